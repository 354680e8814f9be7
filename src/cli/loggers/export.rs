//! `mainstem loggers export`: the samples of a series, in a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mainstem_wire::api::LoggerDocument;

use super::bar::Bar;
use super::path;
use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The series.
    id: String,
    /// Not before this moment, such as 2026-11-20T08:00:00Z; the oldest row unless given.
    #[arg(long)]
    from: Option<String>,
    /// Before this moment; now unless given.
    #[arg(long)]
    to: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The file; standard output unless given.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A table
    Csv,
    /// One JSON document a line
    Ndjson,
}

pub(super) async fn run(
    client: &Client,
    args: &ExportArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    let logger: LoggerDocument = client.get(&path(&args.id)).await?;
    let oldest = logger.oldest.map(|oldest| oldest.to_string());
    let from = args.from.clone().or(oldest);
    let (format, accept) = match args.format {
        Format::Csv => ("csv", "text/csv"),
        Format::Ndjson => ("ndjson", "application/x-ndjson"),
    };
    let mut at = format!("{}/samples?format={format}", path(&args.id));
    for (name, value) in [("from", from), ("to", args.to.clone())] {
        if let Some(value) = value {
            at.push_str(&format!("&{name}={}", escaped(&value)));
        }
    }
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        None => Box::new(io::stdout()),
    };
    let bar = Bar::new(screen, args.output.is_some());
    let (mut lines, total) = (0_u64, logger.rows.unwrap_or(0));
    let taken = client.download(&at, accept, |piece| {
        out.write_all(piece)?;
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        bar.show(lines, total, &format!("{lines} rows"))
    });
    taken.await?;
    out.flush()?;
    bar.end()?;
    if args.output.is_some() {
        let header = u64::from(matches!(args.format, Format::Csv));
        let rows = lines.saturating_sub(header);
        if screen.is_json() {
            screen.document(&serde_json::json!({ "id": logger.id, "rows": rows }))?;
        } else {
            screen.line(format!("{rows} rows written."))?;
        }
    }
    Ok(Exit::Done)
}
