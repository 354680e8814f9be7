//! `mainstem adapters log`: the last lines of a connector's program, and what became of sessions.

use clap::Args;
use mainstem_wire::api::{AdapterLogDocument, LogLineDocument};

use super::path;
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// The adapter.
    name: String,
    /// Show further lines as they come, until it is interrupted
    #[arg(short, long)]
    follow: bool,
}

pub(super) async fn run(client: &Client, args: &LogArgs, screen: Screen) -> Result<Exit, Failure> {
    let at = format!("{}/log", path(&args.name));
    if args.follow {
        return follow(client, &format!("{at}/follow"), screen).await;
    }
    let log: AdapterLogDocument = client.get(&at).await?;
    if screen.is_json() {
        screen.document(&log)?;
        return Ok(Exit::Done);
    }
    gap(log.dropped, screen)?;
    for line in &log.items {
        show(line, screen)?;
    }
    if log.items.is_empty() {
        screen.line("Nothing was said yet.")?;
    }
    Ok(Exit::Done)
}

async fn follow(client: &Client, at: &str, screen: Screen) -> Result<Exit, Failure> {
    let mut events = client.events(at).await?;
    while let Some(event) = events.next().await? {
        if screen.is_json() && event.name == "line" {
            screen.line(event.data)?;
            continue;
        }
        match event.name.as_str() {
            "line" => {
                if let Ok(line) = serde_json::from_str::<LogLineDocument>(&event.data) {
                    show(&line, screen)?;
                }
            }
            "gap" => {
                let told = serde_json::from_str::<serde_json::Value>(&event.data);
                let count = told.ok().and_then(|gap| gap["count"].as_u64());
                gap(count.unwrap_or_default(), screen)?;
            }
            _ => {}
        }
    }
    Ok(Exit::Done)
}

fn gap(dropped: u64, screen: Screen) -> Result<(), Failure> {
    if dropped > 0 {
        let text = format!("{dropped} earlier lines are not kept any more");
        screen.line(screen.paint(Tone::Quiet, text))?;
    }
    Ok(())
}

fn show(line: &LogLineDocument, screen: Screen) -> Result<(), Failure> {
    let time = screen.paint(Tone::Quiet, text::moment(line.time));
    let source = screen.paint(Tone::Quiet, format!("{:<6}", text::harmless(&line.source)));
    screen.line(format!("{time} {source} {}", text::harmless(&line.text)))?;
    Ok(())
}
