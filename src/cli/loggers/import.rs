//! `mainstem loggers import`: history from a file into a series.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mainstem_wire::api::history::{ImportDocument, WrongLine};

use super::bar::Bar;
use super::path;
use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;
use crate::cli::text;

/// Bytes of one request, about.
const PIECE_BYTES: usize = 1 << 20;
/// Lines behind that until the time changes, so that equal samples are told together.
const MORE_LINES_MAX: u64 = 10_000;
/// Wrong lines that are shown.
const WRONG_MAX: usize = 100;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file: a table with the columns time and value, and quality and reason if they are there;
    /// or lines of JSON, if it ends in `.ndjson`.
    file: PathBuf,
    /// The series; the name of the file without its ending unless given.
    #[arg(long)]
    logger: Option<String>,
    /// The time zone of times without an offset, such as Europe/Berlin.
    #[arg(long)]
    zone: Option<String>,
    /// What the columns are, such as time,value,-,quality, for a table without a heading.
    #[arg(long)]
    columns: Option<String>,
    /// What parts the columns of a table without a heading.
    #[arg(long, value_enum, requires = "columns")]
    delimiter: Option<Delimiter>,
    /// Store nothing; say what would be stored.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Delimiter {
    Comma,
    Semicolon,
    Tab,
}

/// A part of the file that ends with a line.
struct Piece {
    bytes: Vec<u8>,
    first_line: u64,
}

/// The file, piece by piece.
struct Pieces<R> {
    lines: R,
    is_table: bool,
    /// What each piece of a table begins with.
    heading: Option<Vec<u8>>,
    /// Lines handed out.
    line: u64,
    /// A record that was read and belongs to the next piece, and how many lines it has.
    next: Option<(Vec<u8>, u64)>,
}

impl<R: BufRead> Pieces<R> {
    /// Reads one line; in a table one record, whose quoted cells may have several.
    fn record(&mut self) -> io::Result<Option<(Vec<u8>, u64)>> {
        let (mut out, mut lines) = (Vec::new(), 0);
        while self.lines.read_until(b'\n', &mut out)? > 0 {
            lines += 1;
            let quotes = out.iter().filter(|byte| **byte == b'"').count();
            if !self.is_table || quotes.is_multiple_of(2) || out.len() > PIECE_BYTES {
                break;
            }
        }
        Ok((lines > 0).then_some((out, lines)))
    }

    fn piece(&mut self) -> io::Result<Option<Piece>> {
        let mut bytes = self.heading.clone().unwrap_or_default();
        let begun = bytes.len();
        let first_line = self.line + 1 - u64::from(self.heading.is_some());
        let (mut more, mut cell) = (0, Vec::new());
        loop {
            let read = match self.next.take() {
                Some(held) => Some(held),
                None => self.record()?,
            };
            let Some((record, lines)) = read else { break };
            more += u64::from(bytes.len() >= PIECE_BYTES);
            if more > MORE_LINES_MAX || (more > 0 && cell != first_cell(&record)) {
                self.next = Some((record, lines));
                break;
            }
            cell = first_cell(&record).to_vec();
            bytes.extend_from_slice(&record);
            self.line += lines;
        }
        Ok((bytes.len() > begun).then_some(Piece { bytes, first_line }))
    }
}

fn first_cell(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| b",;\t".contains(byte));
    &line[..end.unwrap_or(line.len())]
}

pub(super) async fn run(
    client: &Client,
    args: &ImportArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    let stem = args
        .file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let id = args.logger.clone().or(stem).unwrap_or_default();
    let file = File::open(&args.file)?;
    let total = file.metadata()?.len();
    let is_table = args
        .file
        .extension()
        .is_none_or(|ending| ending != "ndjson");
    let mut pieces = Pieces {
        lines: BufReader::new(file),
        is_table,
        heading: None,
        line: 0,
        next: None,
    };
    if is_table && args.columns.is_none() {
        pieces.heading = pieces.record()?.map(|(heading, _)| heading);
        pieces.line = 1;
    }
    let media_type = if is_table {
        "text/csv"
    } else {
        "application/x-ndjson"
    };
    let bar = Bar::new(screen, true);
    let (mut told, mut sent) = (ImportDocument::default(), 0);
    while let Some(piece) = pieces.piece()? {
        sent += piece.bytes.len() as u64;
        let at = address(&id, args, piece.first_line);
        let answer = client.upload(&at, media_type, piece.bytes).await?;
        let part: ImportDocument = answer.document()?;
        add(&mut told, part);
        let (stored, known) = (told.stored, told.known);
        bar.show(
            sent,
            total,
            &format!("{stored} samples stored, {known} known"),
        )?;
    }
    bar.end()?;
    told.lines = pieces.line;
    finish(&told, screen)
}

fn address(id: &str, args: &ImportArgs, first_line: u64) -> String {
    let mut at = format!("{}/samples?first_line={first_line}", path(id));
    let delimiter = args.delimiter.map(|delimiter| match delimiter {
        Delimiter::Comma => "comma".to_owned(),
        Delimiter::Semicolon => "semicolon".to_owned(),
        Delimiter::Tab => "tab".to_owned(),
    });
    let given = [
        ("zone", args.zone.clone()),
        ("columns", args.columns.clone()),
        ("delimiter", delimiter),
        ("dry_run", args.dry_run.then(|| "true".to_owned())),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            at.push_str(&format!("&{name}={}", escaped(&value)));
        }
    }
    at
}

fn add(told: &mut ImportDocument, part: ImportDocument) {
    told.stored += part.stored;
    told.known += part.known;
    told.wrong += part.wrong;
    told.dry_run = part.dry_run;
    let room = WRONG_MAX.saturating_sub(told.wrong_lines.len());
    told.wrong_lines
        .extend(part.wrong_lines.into_iter().take(room));
}

fn finish(told: &ImportDocument, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.document(told)?;
    } else {
        for WrongLine { line, reason } in &told.wrong_lines {
            screen.line(format!("line {line}: {}", text::harmless(reason)))?;
        }
        let stored = if told.dry_run {
            "would be stored"
        } else {
            "stored"
        };
        let (count, known, wrong) = (told.stored, told.known, told.wrong);
        screen.line(format!(
            "{count} samples {stored}, {known} were there already."
        ))?;
        if wrong > 0 {
            screen.line(format!("{wrong} lines are no samples and were left out."))?;
        }
    }
    Ok(if told.wrong > 0 {
        Exit::Failure
    } else {
        Exit::Done
    })
}
