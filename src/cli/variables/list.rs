//! `mainstem variables list`.

use clap::Args;
use comfy_table::Table;
use mainstem_wire::api::{Page, VariableDocument};

use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Variables asked for at a time.
const PAGE: usize = 1000;
/// Characters of a text in the table.
const SHOWN_CHARS_MAX: usize = 60;
/// What may wrap in a narrow terminal: name, text and quality.
const WRAPPING: [usize; 3] = [0, 1, 2];

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Which ones: `*` is one segment of a name, `**` any number.
    #[arg(default_value = "**", value_name = "GLOB")]
    glob: String,
    /// Show at most this many.
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    limit: usize,
}

pub(super) async fn run(args: &ListArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let mut found: Vec<VariableDocument> = Vec::new();
    let mut after: Option<String> = None;
    while found.len() < args.limit {
        let limit = PAGE.min(args.limit - found.len());
        let glob = escaped(&args.glob);
        let mut path = format!("/api/v1/variables?limit={limit}&glob={glob}");
        if let Some(after) = &after {
            path = format!("{path}&after={}", escaped(after));
        }
        let page: Page<VariableDocument> = client.get(&path).await?;
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if screen.is_json() {
        screen.document(&serde_json::json!({"items": found, "next": after}))?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        screen.line(format!("No variable fits {}.", text::harmless(&args.glob)))?;
        return Ok(Exit::NotFound);
    }
    screen.show(&table(&found, screen))?;
    if after.is_some() {
        screen.line(screen.paint(Tone::Quiet, "There are more, see --limit."))?;
    }
    Ok(Exit::Done)
}

fn table(found: &[VariableDocument], screen: Screen) -> Table {
    let mut table = screen.table(&["NAME", "TEXT", "QUALITY", "SET"], &WRAPPING);
    for variable in found {
        let tone = Tone::of_status(&variable.quality.status);
        let text_tone = match tone {
            Tone::Good => Tone::Plain,
            _ => Tone::Quiet,
        };
        table.add_row([
            screen.cell(text::harmless(&variable.name), Tone::Plain),
            screen.cell(shortened(&variable.value), text_tone),
            screen.cell(text::quality(&variable.quality), tone),
            screen.cell(text::moment(variable.source_time), Tone::Quiet),
        ]);
    }
    table
}

/// A text in one line that does no harm to a terminal.
fn shortened(value: &str) -> String {
    let begin: String = value.chars().take(SHOWN_CHARS_MAX).collect();
    let rest = if begin.len() < value.len() { "…" } else { "" };
    format!("{}{rest}", text::harmless(&begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_text_quality_and_when() {
        let variable: VariableDocument = serde_json::from_value(serde_json::json!({
            "name": "line1.status.text", "value": "x".repeat(70), "owner": "line1",
            "quality": {"status": "bad", "reason": "link_down", "hop": "line1",
                "since": "2026-11-20T08:00:00Z"},
            "source_time": "2026-11-20T08:00:00Z", "received_time": "2026-11-20T08:00:00Z",
        }))
        .unwrap();
        let lines: Vec<String> = table(&[variable], Screen::plain()).lines().collect();
        assert!(lines[0].starts_with("NAME"), "{lines:?}");
        assert!(
            lines[1].contains(&format!("{}…", "x".repeat(60))),
            "{lines:?}"
        );
        assert!(lines[1].contains("bad, link_down at line1"), "{lines:?}");
        assert!(!shortened("a\u{1b}[2Jb\nc").contains(['\u{1b}', '\n']));
    }
}
