//! `mainstem flowsync`: requests that are held, those that have ended, and the server nodes.

mod watch;

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{FlowNodeDocument, Page, TransactionDocument, TransactionsDocument};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct FlowsyncArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the server nodes that hold requests, with what they have counted
    List,
    /// Show what is held and what has ended, of all server nodes or of one
    Show(ShowArgs),
    /// Show each request as it ends
    Watch(watch::WatchArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The server node.
    node: Option<String>,
    /// At most so many of those that are held, and of those that have ended.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

pub(super) async fn run(args: &FlowsyncArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::List => {
            let page: Page<FlowNodeDocument> = client.get("/api/v1/flowsync/nodes").await?;
            screen.list(&page, "No server node holds requests.", nodes)?;
        }
        Action::Show(show) => {
            let path = path(show.node.as_deref(), show.limit);
            let document: TransactionsDocument = client.get(&path).await?;
            if screen.is_json() {
                screen.document(&document)?;
            } else if document.open.is_empty() && document.ended.is_empty() {
                screen.line("Nothing is held, and nothing was.")?;
            } else {
                let rows = document.open.iter().chain(&document.ended);
                screen.show(&requests(rows, screen))?;
            }
        }
        Action::Watch(watch) => return watch::run(watch, &client, screen).await,
    }
    Ok(Exit::Done)
}

fn path(node: Option<&str>, limit: u16) -> String {
    let node = node.map_or_else(String::new, |node| format!("&node={}", escaped(node)));
    format!("/api/v1/flowsync/transactions?limit={limit}{node}")
}

fn nodes(nodes: &[FlowNodeDocument], screen: Screen) -> Table {
    let headings = [
        "NODE",
        "TOPIC",
        "STATE",
        "OPEN",
        "ANSWERED",
        "FAILED",
        "TIMED OUT",
        "STRAY",
        "REFUSED",
    ];
    let mut table = screen.table(&headings, &[1, 2]);
    for node in nodes {
        let ended = |how: &str| node.ended.get(how).copied().unwrap_or_default();
        let (state, tone) = match &node.cause {
            None => ("ready".to_owned(), Tone::Good),
            Some(cause) => (text::harmless(cause), Tone::Bad),
        };
        let strays: u64 = node.strays.values().sum();
        table.add_row([
            screen.cell(text::harmless(&node.name), Tone::Strong),
            screen.cell(text::harmless(&node.topic), Tone::Quiet),
            screen.cell(state, tone),
            screen.cell(node.open.to_string(), Tone::Plain),
            screen.cell(ended("answered").to_string(), Tone::Plain),
            screen.cell(ended("failed").to_string(), Tone::Plain),
            screen.cell(ended("timed_out").to_string(), warns(ended("timed_out"))),
            screen.cell(strays.to_string(), warns(strays)),
            screen.cell(node.refused.to_string(), warns(node.refused)),
        ]);
    }
    table
}

fn warns(count: u64) -> Tone {
    if count > 0 {
        Tone::Warning
    } else {
        Tone::Plain
    }
}

fn requests<'a>(requests: impl Iterator<Item = &'a TransactionDocument>, screen: Screen) -> Table {
    let headings = ["SINCE", "NODE", "WHO", "OVER", "STATE", "HELD", "SAID"];
    let mut table = screen.table(&headings, &[6]);
    for request in requests {
        table.add_row([
            screen.cell(text::moment(request.opened), Tone::Quiet),
            screen.cell(text::harmless(&request.node), Tone::Strong),
            screen.cell(text::harmless(&request.principal), Tone::Plain),
            screen.cell(text::harmless(&request.protocol), Tone::Quiet),
            screen.cell(text::harmless(&request.state), tone(&request.state)),
            screen.cell(format!("{:.1} ms", request.held_ms), Tone::Plain),
            screen.cell(text::harmless(&said(request)), Tone::Plain),
        ]);
    }
    table
}

fn tone(state: &str) -> Tone {
    match state {
        "answered" => Tone::Good,
        "held" => Tone::Plain,
        _ => Tone::Warning,
    }
}

/// The error in one line.
fn said(request: &TransactionDocument) -> String {
    let code = request.code.map(|code| code.to_string());
    let parts = [code, request.message.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(state: &str) -> TransactionDocument {
        serde_json::from_value(serde_json::json!({
            "id": "cb75f252-ebd8-4b33-b39d-b74953c6c99c", "node": "order", "principal": "mes",
            "protocol": "http", "state": state, "opened": "2026-11-20T08:00:00Z",
            "held_ms": 12.34, "code": 409, "message": "no material",
        }))
        .unwrap()
    }

    #[test]
    fn a_request_is_one_row() {
        let shown = requests([request("failed")].iter(), Screen::plain()).to_string();
        let row = shown.lines().find(|line| line.contains("order")).unwrap();
        for part in ["mes", "http", "failed", "12.3 ms", "409 no material"] {
            assert!(row.contains(part), "{part}: {row}");
        }
    }

    #[test]
    fn a_node_is_asked_for_by_its_name() {
        assert_eq!(path(None, 5), "/api/v1/flowsync/transactions?limit=5");
        assert!(path(Some("a b"), 5).ends_with("&node=a%20b"));
    }
}
