//! `mainstem uplinks`: how this node dials up.

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{Page, UplinkDocument};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct UplinksArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all uplinks
    List,
}

pub(super) async fn run(args: &UplinksArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    let Action::List = args.action;
    let page: Page<UplinkDocument> = client.get("/api/v1/uplinks").await?;
    screen.list(&page, "This node has no uplinks.", table)?;
    Ok(Exit::Done)
}

fn table(uplinks: &[UplinkDocument], screen: Screen) -> Table {
    let headings = [
        "NAME", "STATE", "ADDRESS", "IN USE", "WAITING", "SINCE", "CAUSE",
    ];
    let mut table = screen.table(&headings, &[6]);
    for uplink in uplinks {
        let cause = uplink.cause.as_deref().unwrap_or_default();
        table.add_row([
            screen.cell(text::harmless(&uplink.name), Tone::Plain),
            screen.cell(text::harmless(&uplink.state), tone(&uplink.state)),
            screen.cell(text::harmless(&uplink.address), Tone::Quiet),
            screen.cell(uplink.serving.to_string(), Tone::Plain),
            screen.cell(uplink.waiting.to_string(), Tone::Plain),
            screen.cell(text::moment(uplink.since), Tone::Quiet),
            screen.cell(text::harmless(cause), Tone::Plain),
        ]);
    }
    table
}

fn tone(state: &str) -> Tone {
    match state {
        "serving" => Tone::Good,
        "paused" => Tone::Quiet,
        "connecting" | "ready" => Tone::Warning,
        _ => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_state_and_cause() {
        let uplink: UplinkDocument = serde_json::from_value(serde_json::json!({
            "name": "up", "address": "plant1:8443", "state": "refused",
            "cause": "the node above does not know the token",
            "since": "2026-11-20T08:00:00Z", "waiting": 0, "serving": 0, "opened": 3,
        }))
        .unwrap();
        let shown = table(&[uplink], Screen::plain()).to_string();
        assert!(
            shown.contains("refused") && shown.contains("does not know"),
            "{shown}"
        );
    }
}
