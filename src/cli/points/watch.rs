//! `mainstem points watch`: each change as it happens.

use std::collections::HashMap;

use clap::Args;
use mainstem_wire::api::PointDocument;
use serde_json::Value;

use crate::cli::client::{Client, Event, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Columns given to names before they push what follows to the right.
const NAME_COLUMNS_MAX: usize = 48;
/// Columns given to a value with its unit.
const VALUE_COLUMNS: usize = 14;
/// Names whose units are remembered; the stream is for eyes, not for whole plants.
const UNITS_MAX: usize = 100_000;

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Which ones: `*` is one segment of a name, `**` any number, `!` before a pattern leaves out.
    #[arg(required = true, value_name = "GLOB", num_args = 1..=100)]
    globs: Vec<String>,
    /// End after this many lines.
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    /// Leave out the values that there are at the beginning.
    #[arg(long)]
    changes_only: bool,
}

pub(super) async fn run(
    args: &WatchArgs,
    client: &Client,
    screen: Screen,
) -> Result<Exit, Failure> {
    let glob = escaped(&args.globs.join(","));
    let path = format!("/api/v1/changes?expand=true&meta=true&glob={glob}");
    let mut events = client.events(&path).await?;
    let mut lines = Lines::new(screen, args.changes_only);
    loop {
        let event = tokio::select! {
            event = events.next() => event?,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        };
        let Some(event) = event else {
            return Err(
                Failure::new(Exit::NoCommunication, "the node ended the stream")
                    .action("see whether it was stopped, and begin again"),
            );
        };
        for line in lines.of(&event) {
            screen.part(format!("{line}\n"))?;
        }
        if args.count.is_some_and(|count| lines.written >= count) {
            return Ok(Exit::Done);
        }
    }
}

/// Turns events into lines.
struct Lines {
    screen: Screen,
    name_columns: usize,
    units: HashMap<String, String>,
    written: u64,
    /// Whether what comes is still the state at the beginning, which nobody asked for.
    skipping: bool,
}

impl Lines {
    fn new(screen: Screen, changes_only: bool) -> Self {
        Self {
            screen,
            name_columns: 0,
            units: HashMap::new(),
            written: 0,
            skipping: changes_only,
        }
    }

    fn of(&mut self, event: &Event) -> Vec<String> {
        let Ok(document) = serde_json::from_str::<Value>(&event.data) else {
            return Vec::new();
        };
        match event.name.as_str() {
            // The end of what there was at the beginning.
            "synced" | "cursor" | "live" => self.skipping = false,
            _ if self.skipping => return Vec::new(),
            _ => {}
        }
        let documents = match document {
            Value::Array(items) => items,
            other => vec![other],
        };
        let lines: Vec<_> = documents
            .into_iter()
            .filter_map(|document| self.line(&event.name, document))
            .collect();
        self.written += lines.len() as u64;
        lines
    }

    fn line(&mut self, kind: &str, document: Value) -> Option<String> {
        let is_point = document.get("quality").is_some();
        if self.screen.is_json() {
            let wanted = is_point || matches!(kind, "removed" | "remove" | "gap");
            return wanted.then(|| document.to_string());
        }
        if is_point {
            return self.point(&serde_json::from_value(document).ok()?);
        }
        match kind {
            "removed" | "remove" => {
                let name = document.get("name").unwrap_or(&document).as_str()?;
                let name = format!(
                    "{:<width$}",
                    text::harmless(name),
                    width = self.name_columns
                );
                Some(format!(
                    "{:12}  {name}  {}",
                    "",
                    self.screen.paint(Tone::Quiet, "removed")
                ))
            }
            "gap" => {
                let count = document
                    .get("count")
                    .and_then(Value::as_u64)
                    .unwrap_or_default();
                let text = format!("{count} entries were passed over: they came too fast");
                Some(format!(
                    "{:12}  {}",
                    "",
                    self.screen.paint(Tone::Warning, text)
                ))
            }
            _ => None,
        }
    }

    fn point(&mut self, point: &PointDocument) -> Option<String> {
        if let Some(unit) = text::unit(point)
            && self.units.len() < UNITS_MAX
        {
            self.units.insert(point.name.clone(), text::harmless(unit));
        }
        let name = text::harmless(&point.name);
        let wide = name.chars().count().min(NAME_COLUMNS_MAX);
        self.name_columns = self.name_columns.max(wide);
        let mut value = text::short_value(point.value.as_deref());
        if let Some(unit) = self
            .units
            .get(&point.name)
            .filter(|_| point.value.is_some())
        {
            value = format!("{value} {unit}");
        }
        let at = point
            .received_time
            .map_or_else(String::new, text::time_of_day);
        let tone = Tone::of_status(&point.quality.status);
        Some(format!(
            "{}  {name:<names$}  {value:<values$}  {}",
            self.screen.paint(Tone::Quiet, format!("{at:12}")),
            self.screen.paint(tone, text::quality(&point.quality)),
            names = self.name_columns,
            values = VALUE_COLUMNS,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
        }
    }

    const POINT: &str = r#"{"name":"line1.plc.t","value":60.5,
        "quality":{"status":"good","reason":"ok","since":"2026-11-20T08:00:00Z"},
        "source_time":null,"received_time":"2026-11-20T08:00:01.25Z","age":0.1,
        "meta":{"type":"f64","unit":"°C","access":"r","owner":"plc"}}"#;

    #[test]
    fn a_change_is_a_line() {
        let mut lines = Lines::new(Screen::plain(), false);
        let expected = "08:00:01.250  line1.plc.t  60.5 °C         good";
        assert_eq!(lines.of(&event("point", POINT)), [expected]);
        let gone = lines.of(&event("removed", r#"{"name":"line1.plc.t"}"#));
        assert_eq!(gone, ["              line1.plc.t  removed"]);
        let gap = lines.of(&event("gap", r#"{"from":1,"to":9,"count":8}"#));
        assert!(gap[0].contains("8 entries"), "{gap:?}");
        assert!(lines.of(&event("something", "{}")).is_empty());
        assert!(lines.of(&event("point", "nonsense")).is_empty());
        assert_eq!(lines.written, 3);
    }
}
