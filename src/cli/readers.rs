//! `mainstem readers`: who reads changes, how far behind, and what was left out.

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{Page, ReaderDocument};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct ReadersArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show who reads changes now
    List,
}

pub(super) async fn run(args: &ReadersArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    let Action::List = args.action;
    let page: Page<ReaderDocument> = client.get("/api/v1/readers").await?;
    screen.list(&page, "Nobody reads changes.", table)?;
    Ok(Exit::Done)
}

fn table(readers: &[ReaderDocument], screen: Screen) -> Table {
    let headings = [
        "WHO",
        "ADDRESS",
        "WAY",
        "SINCE",
        "LAG",
        "BEHIND",
        "MISSED",
        "CONFLATED",
        "ROWS",
        "SPARED",
    ];
    let mut table = screen.table(&headings, &[9]);
    for reader in readers {
        let way = if reader.link { "link" } else { &*reader.way };
        let missed = if reader.missed > 0 {
            Tone::Warning
        } else {
            Tone::Plain
        };
        let address = reader.address.as_deref().unwrap_or("this machine");
        table.add_row([
            screen.cell(text::harmless(&reader.principal), Tone::Strong),
            screen.cell(text::harmless(address), Tone::Quiet),
            screen.cell(text::harmless(way), Tone::Plain),
            screen.cell(text::moment(reader.since), Tone::Quiet),
            screen.cell(reader.lag.to_string(), Tone::Plain),
            screen.cell(format!("{:.1} s", reader.lag_seconds), Tone::Plain),
            screen.cell(reader.missed.to_string(), missed),
            screen.cell(reader.conflated.to_string(), Tone::Plain),
            screen.cell(reader.rows.to_string(), Tone::Plain),
            screen.cell(text::harmless(&spared(reader)), Tone::Plain),
        ]);
    }
    table
}

/// What the reader asked to be spared, in the words of the request.
fn spared(reader: &ReaderDocument) -> String {
    let parts = [
        ("deadband", &reader.deadband),
        ("min_interval", &reader.min_interval),
        ("max_interval", &reader.max_interval),
    ];
    let given = parts.iter().filter_map(|(name, value)| {
        let value = value.as_deref()?;
        Some(format!("{name} {value}"))
    });
    given.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_tells_what_it_is_spared() {
        let reader: ReaderDocument = serde_json::from_value(serde_json::json!({
            "id": 1, "principal": "plant1", "way": "frames", "link": true,
            "since": "2026-11-20T08:00:00Z", "lag": 3, "lag_seconds": 0.25, "rows": 10,
            "missed": 2, "gaps": 1, "conflated": 7, "deadband": "1%", "min_interval": "500 ms",
        }))
        .unwrap();
        assert_eq!(spared(&reader), "deadband 1%, min_interval 500 ms");
        let shown = table(&[reader], Screen::plain()).to_string();
        let row = shown.lines().find(|line| line.contains("plant1")).unwrap();
        for part in ["this machine", "link", "0.2", "deadband 1%"] {
            assert!(row.contains(part), "{part}: {row}");
        }
    }
}
