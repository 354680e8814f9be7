//! `mainstem loggers edit` and `edits`: new versions of a stretch of a series.

use std::path::PathBuf;

use clap::Args;
use hyper::Method;
use mainstem_model::Timestamp;
use mainstem_wire::api::Page;
use mainstem_wire::api::history::{EditDocument, EditRequest, EditRow};

use super::path;
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// How long the node may take to store an edit.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct EditArgs {
    /// The series.
    id: String,
    /// The beginning of the stretch, such as 2026-11-20T08:00:00Z.
    #[arg(long)]
    from: Timestamp,
    /// Its end, which is not in it.
    #[arg(long)]
    to: Timestamp,
    /// Why.
    #[arg(long)]
    reason: String,
    /// The samples that the stretch is to have, as `export --format ndjson` writes them; without
    /// them what is there is taken out.
    #[arg(long)]
    rows: Option<PathBuf>,
}

pub(super) async fn make(
    client: &Client,
    args: &EditArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    let text = args
        .rows
        .as_ref()
        .map(std::fs::read_to_string)
        .transpose()?;
    let lines = text.iter().flat_map(|text| text.lines()).enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let rows = lines.map(|(place, line)| {
        serde_json::from_str::<EditRow>(line).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("line {} is no sample: {error}", place + 1),
            )
        })
    });
    let request = EditRequest {
        from: args.from,
        to: args.to,
        rows: rows.collect::<Result<_, _>>()?,
        reason: args.reason.clone(),
    };
    let at = format!("{}/edits", path(&args.id));
    let answer = client
        .send(Method::POST, &at, Some(&request), PATIENCE)
        .await?;
    let edit: EditDocument = answer.document()?;
    if screen.is_json() {
        screen.document(&edit)?;
    } else {
        let (version, count) = (edit.version, request.rows.len());
        screen.line(format!(
            "Stored as version {version}, with {count} samples."
        ))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn list(client: &Client, id: &str, screen: Screen) -> Result<Exit, Failure> {
    let page: Page<EditDocument> = client.get(&format!("{}/edits", path(id))).await?;
    if screen.is_json() {
        screen.document(&page)?;
    } else if page.items.is_empty() {
        screen.line("It was never edited.")?;
    } else {
        let mut table = screen.table(&["VERSION", "FROM", "TO", "MADE", "NOTE"], &[4]);
        for edit in &page.items {
            table.add_row([
                screen.cell(edit.version, Tone::Plain),
                screen.cell(edit.from, Tone::Plain),
                screen.cell(edit.to, Tone::Plain),
                screen.cell(edit.at, Tone::Quiet),
                screen.cell(text::harmless(&edit.note), Tone::Plain),
            ]);
        }
        screen.show(&table)?;
    }
    Ok(Exit::Done)
}
