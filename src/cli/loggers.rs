//! `mainstem loggers`: what was recorded.

mod bar;
mod edits;
mod export;
mod gaps;
mod grid;
mod import;
mod verify;

use clap::{Args, Subcommand};
use mainstem_wire::api::{LoggerDocument, Page};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct LoggersArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all recorded series
    List,
    /// Show everything about one series, or the values of several on one time grid
    Show(Shown),
    /// Write the samples of a series to a file, as a table or as lines of JSON
    Export(export::ExportArgs),
    /// Store the history in a file; what is there already is left out, so it can be repeated
    Import(import::ImportArgs),
    /// Show where nothing is known of a series, and why
    Gaps(gaps::GapsArgs),
    /// Give a stretch of a series new samples, or none
    Edit(edits::EditArgs),
    /// Show the edits that were made of a series
    Edits(Named),
    /// Compare replicated series with the next level, hour by hour
    Verify(verify::VerifyArgs),
}

#[derive(Debug, Args)]
struct Shown {
    /// The series; several make a table.
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    grid: grid::GridArgs,
}

#[derive(Debug, Args)]
struct Named {
    /// The series.
    id: String,
}

pub(super) async fn run(args: &LoggersArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::List => list(&client, screen).await,
        Action::Show(Shown { ids, grid }) => match ids.as_slice() {
            [id] if !grid.is_asked() => show(&client, id, screen).await,
            ids => grid::run(&client, ids, grid, screen).await,
        },
        Action::Export(export) => export::run(&client, export, screen).await,
        Action::Import(import) => import::run(&client, import, screen).await,
        Action::Gaps(gaps) => gaps::run(&client, gaps, screen).await,
        Action::Edit(edit) => edits::make(&client, edit, screen).await,
        Action::Edits(Named { id }) => edits::list(&client, id, screen).await,
        Action::Verify(verify) => verify::run(&client, verify, screen).await,
    }
}

fn path(id: &str) -> String {
    format!("/api/v1/loggers/{}", escaped(id))
}

/// All series.
async fn all(client: &Client) -> Result<Vec<LoggerDocument>, Failure> {
    let mut items: Vec<LoggerDocument> = Vec::new();
    let mut at = "/api/v1/loggers".to_owned();
    loop {
        let page: Page<LoggerDocument> = client.get(&at).await?;
        items.extend(page.items);
        let Some(next) = page.next else {
            return Ok(items);
        };
        at = format!("/api/v1/loggers?after={}", escaped(&next));
    }
}

async fn list(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let items = all(client).await?;
    if screen.is_json() {
        screen.document(&Page::whole(items))?;
    } else if items.is_empty() {
        screen.line("This node records nothing that you may read.")?;
    } else {
        let mut table = screen.table(&["ID", "KIND", "SAMPLES", "DATAPOINT", "STATE"], &[3]);
        for logger in &items {
            let (state, tone) = state(logger);
            table.add_row([
                screen.cell(text::harmless(&logger.id), Tone::Plain),
                screen.cell(text::harmless(&logger.kind), Tone::Quiet),
                screen.cell(text::harmless(&logger.samples), Tone::Quiet),
                screen.cell(text::harmless(&logger.datapoint), Tone::Plain),
                screen.cell(state, tone),
            ]);
        }
        screen.show(&table)?;
    }
    Ok(Exit::Done)
}

fn state(logger: &LoggerDocument) -> (&'static str, Tone) {
    if logger.recording {
        ("recording", Tone::Good)
    } else if logger.ended {
        ("ended", Tone::Quiet)
    } else {
        ("no datapoint", Tone::Warning)
    }
}

async fn show(client: &Client, id: &str, screen: Screen) -> Result<Exit, Failure> {
    let logger: LoggerDocument = client.get(&path(id)).await?;
    if screen.is_json() {
        screen.document(&logger)?;
        return Ok(Exit::Done);
    }
    let (state, tone) = state(&logger);
    let moment = |moment: Option<mainstem_model::Timestamp>| {
        moment.map_or_else(|| "–".to_owned(), |moment| moment.to_string())
    };
    let mut table = screen.table(&["", ""], &[1]);
    let mut row = |what: &str, text: String| {
        table.add_row([
            screen.cell(what, Tone::Quiet),
            screen.cell(text, Tone::Plain),
        ]);
    };
    row("id", text::harmless(&logger.id));
    row("datapoint", text::harmless(&logger.datapoint));
    row(
        "description",
        text::harmless(logger.description.as_deref().unwrap_or("–")),
    );
    row(
        "unit",
        text::harmless(logger.unit.as_deref().unwrap_or("–")),
    );
    row("kind", text::harmless(&logger.kind));
    row("samples", text::harmless(&logger.samples));
    row("zone", text::harmless(&logger.zone));
    row("state", screen.paint(tone, state));
    row("rows", logger.rows.unwrap_or(0).to_string());
    row("oldest", moment(logger.oldest));
    row("newest", moment(logger.newest));
    screen.show(&table)?;
    Ok(Exit::Done)
}
