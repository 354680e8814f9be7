//! `mainstem loggers gaps`: where nothing is known of a series, and why.

use clap::Args;
use mainstem_wire::api::Page;
use mainstem_wire::api::history::GapDocument;

use super::path;
use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

#[derive(Debug, Args)]
pub(super) struct GapsArgs {
    /// The series.
    id: String,
    /// Gaps that end behind this moment, such as 2026-11-20T08:00:00Z.
    #[arg(long)]
    from: Option<String>,
    /// Gaps that begin before this moment.
    #[arg(long)]
    to: Option<String>,
}

pub(super) async fn run(client: &Client, args: &GapsArgs, screen: Screen) -> Result<Exit, Failure> {
    let mut at = format!("{}/gaps?format=json", path(&args.id));
    for (name, value) in [("from", &args.from), ("to", &args.to)] {
        if let Some(value) = value {
            at.push_str(&format!("&{name}={}", escaped(value)));
        }
    }
    let mut items: Vec<GapDocument> = Vec::new();
    let mut part = at.clone();
    loop {
        let page: Page<GapDocument> = client.get(&part).await?;
        items.extend(page.items);
        let Some(next) = page.next else { break };
        part = format!("{at}&page={}", escaped(&next));
    }
    if screen.is_json() {
        screen.document(&Page::whole(items))?;
        return Ok(Exit::Done);
    }
    if items.is_empty() {
        screen.line("No gap is known.")?;
        return Ok(Exit::Done);
    }
    let mut table = screen.table(&["FROM", "TO", "CAUSE", "STATE", "ROWS", "HOP"], &[]);
    for gap in &items {
        let rows = gap.first_row.zip(gap.last_row);
        let tone = match gap.state.as_str() {
            "healed" => Tone::Good,
            "permanent" => Tone::Quiet,
            _ => Tone::Warning,
        };
        let end = gap.to.map_or_else(|| "–".to_owned(), |to| to.to_string());
        let rows = rows.map_or_else(String::new, |(first, last)| format!("{first}-{last}"));
        table.add_row([
            screen.cell(gap.from, Tone::Plain),
            screen.cell(end, Tone::Plain),
            screen.cell(text::harmless(&gap.cause), Tone::Plain),
            screen.cell(text::harmless(&gap.state), tone),
            screen.cell(rows, Tone::Plain),
            screen.cell(text::harmless(&gap.hop), Tone::Quiet),
        ]);
    }
    screen.show(&table)?;
    Ok(Exit::Done)
}
