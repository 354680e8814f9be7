//! `mainstem points watch`: each change as it happens.

use clap::Args;
use mainstem_wire::api::PointDocument;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::client::{Client, Event, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Columns given to names before they push what follows to the right.
const NAME_COLUMNS_MAX: usize = 48;
/// Columns given to a value with its unit.
const VALUE_COLUMNS: usize = 14;
/// Events held at the beginning.
const HELD_MAX: usize = 10_000;

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
        for line in lines.of(event) {
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
    written: u64,
    changes_only: bool,
    /// What there is at the beginning, held until the longest name is known; `None` from then on.
    beginning: Option<Vec<Event>>,
}

impl Lines {
    fn new(screen: Screen, changes_only: bool) -> Self {
        Self {
            screen,
            name_columns: 0,
            written: 0,
            changes_only,
            beginning: Some(Vec::new()),
        }
    }

    fn of(&mut self, event: Event) -> Vec<String> {
        let Some(mut held) = self.beginning.take() else {
            return self.shown(&event).into_iter().collect();
        };
        // A place in the feed is told once everything before it was.
        let complete = event.id.is_some() || held.len() >= HELD_MAX;
        self.measure(&event);
        held.push(event);
        if !complete {
            self.beginning = Some(held);
            return Vec::new();
        }
        let held = if self.changes_only {
            &[]
        } else {
            held.as_slice()
        };
        held.iter().filter_map(|event| self.shown(event)).collect()
    }

    fn measure(&mut self, event: &Event) {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        if let Ok(Named { name }) = serde_json::from_str(&event.data) {
            let wide = text::harmless(&name).chars().count().min(NAME_COLUMNS_MAX);
            self.name_columns = self.name_columns.max(wide);
        }
    }

    fn shown(&mut self, event: &Event) -> Option<String> {
        let document = serde_json::from_str::<Value>(&event.data).ok()?;
        let line = self.line(&event.name, &document)?;
        self.written += 1;
        Some(line)
    }

    fn line(&self, kind: &str, document: &Value) -> Option<String> {
        let is_point = document.get("quality").is_some();
        if self.screen.is_json() {
            let wanted = is_point || matches!(kind, "removed" | "gap");
            return wanted.then(|| document.to_string());
        }
        if is_point {
            return Some(self.point(&PointDocument::deserialize(document).ok()?));
        }
        match kind {
            "removed" => {
                let name = document.get("name")?.as_str()?;
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

    fn point(&self, point: &PointDocument) -> String {
        let name = text::harmless(&point.name);
        let value = text::value_with_unit(point);
        let at = point
            .received_time
            .map_or_else(String::new, text::time_of_day);
        let tone = Tone::of_status(&point.quality.status);
        format!(
            "{}  {name:<names$}  {value:<values$}  {}",
            self.screen.paint(Tone::Quiet, format!("{at:12}")),
            self.screen.paint(tone, text::quality(&point.quality)),
            names = self.name_columns,
            values = VALUE_COLUMNS,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str, id: Option<&str>) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
            id: id.map(str::to_owned),
        }
    }

    const POINT: &str = r#"{"name":"line1.plc.t","value":60.5,
        "quality":{"status":"good","reason":"ok","since":"2026-11-20T08:00:00Z"},
        "source_time":null,"received_time":"2026-11-20T08:00:01.25Z","age":0.1,
        "meta":{"type":"f64","unit":"°C","access":"r","owner":"plc"}}"#;

    /// Lines behind the beginning.
    fn running() -> Lines {
        let mut lines = Lines::new(Screen::plain(), false);
        assert_eq!(lines.of(event("message", "", Some("1-1"))), [""; 0]);
        lines
    }

    #[test]
    fn a_change_is_a_line() {
        let mut lines = running();
        let mut line = |name, data| lines.of(event(name, data, None));
        let expected = "08:00:01.250  line1.plc.t  60.5 °C         good";
        assert_eq!(line("datapoint", POINT), [expected]);
        let gone = line("removed", r#"{"name":"line1.plc.t"}"#);
        assert_eq!(gone, ["              line1.plc.t  removed"]);
        let gap = line("gap", r#"{"count":8}"#);
        assert!(gap[0].contains("8 entries"), "{gap:?}");
        assert!(line("something", "{}").is_empty());
        assert!(line("datapoint", "nonsense").is_empty());
        assert_eq!(lines.written, 3);
    }

    #[test]
    fn the_beginning_is_held_until_it_is_complete() {
        let mut lines = Lines::new(Screen::plain(), false);
        assert!(lines.of(event("datapoint", POINT, None)).is_empty());
        assert_eq!(lines.of(event("datapoint", POINT, Some("1-2"))).len(), 2);
        assert_eq!(lines.of(event("datapoint", POINT, None)).len(), 1);
    }

    #[test]
    fn the_beginning_can_be_left_out() {
        let mut lines = Lines::new(Screen::plain(), true);
        assert!(lines.of(event("datapoint", POINT, None)).is_empty());
        assert!(lines.of(event("datapoint", POINT, Some("1-2"))).is_empty());
        assert_eq!(lines.of(event("datapoint", POINT, None)).len(), 1);
    }
}
