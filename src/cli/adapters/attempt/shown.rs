//! The table of `try`: a column for each meaning where there are several, else type and value.

use comfy_table::{Cell, Table};
use mainstem_adapter::explore::{Attempt, Tried, View};
use mainstem_model::Value;

use crate::cli::adapters::trace_line;
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Bytes of an address that the table shows.
const BYTES_SHOWN_MAX: usize = 8;
/// Characters of a value.
const VALUE_CHARACTERS_MAX: usize = 60;

pub(super) fn table(rows: &[Tried], all: bool, screen: Screen) -> Table {
    let labels = labels(rows, all);
    let is_wide = rows.iter().any(|row| counted(row, all) > 1);
    let has_bytes = is_wide && rows.iter().any(|row| row.bytes.is_some());
    let has_trouble = rows.iter().any(|row| !row.quality.is_good());
    let has_time = rows.iter().any(|row| row.source_time.is_some());
    let mut headings = vec!["ADDRESS"];
    headings.extend(has_bytes.then_some("BYTES"));
    let capitals: Vec<String> = labels.iter().map(|label| label.to_uppercase()).collect();
    if is_wide {
        headings.extend(capitals.iter().map(String::as_str));
    } else {
        headings.extend(["VALUE", "TYPE"]);
    }
    headings.extend(has_trouble.then_some("STATUS"));
    headings.extend(has_time.then_some("DEVICE TIME"));
    let mut table = screen.table(&headings, &[]);
    for row in rows {
        let mut cells = vec![screen.cell(text::harmless(&row.address), Tone::Plain)];
        if has_bytes {
            let bytes = row.bytes.as_deref().map(shown_bytes);
            cells.push(screen.cell(bytes.unwrap_or_default(), Tone::Quiet));
        }
        match is_wide {
            true => cells.extend(
                labels
                    .iter()
                    .map(|label| in_column(row, label, all, screen)),
            ),
            false => cells.extend(alone(row, screen)),
        }
        if has_trouble {
            let tone = Tone::of_status(row.quality.status.as_str());
            cells.push(screen.cell(status(row), tone));
        }
        if has_time {
            let time = row.source_time.map(text::moment).unwrap_or_default();
            cells.push(screen.cell(time, Tone::Quiet));
        }
        table.add_row(cells);
    }
    table
}

fn status(row: &Tried) -> String {
    match (row.at, row.quality.is_good()) {
        (None, _) => "no answer".to_owned(),
        (_, true) => "good".to_owned(),
        (_, false) => row.quality.reason.as_str().to_owned(),
    }
}

fn counted(row: &Tried, all: bool) -> usize {
    row.views
        .iter()
        .filter(|view| all || view.plausible)
        .count()
}

/// The columns in the order in which a kind names them, taken together over all rows.
fn labels(rows: &[Tried], all: bool) -> Vec<&str> {
    let mut order: Vec<&str> = Vec::new();
    for row in rows {
        let mut at = 0;
        for view in &row.views {
            match order.iter().position(|label| *label == view.label) {
                Some(found) => at = found + 1,
                None => {
                    order.insert(at.min(order.len()), &view.label);
                    at += 1;
                }
            }
        }
    }
    let is_shown = |label: &&str| {
        let mut views = rows.iter().flat_map(|row| &row.views);
        views.any(|view| view.label == **label && (all || view.plausible))
    };
    order.into_iter().filter(is_shown).collect()
}

fn in_column(row: &Tried, label: &str, all: bool, screen: Screen) -> Cell {
    let view = row.views.iter().find(|view| view.label == label);
    match view {
        Some(view) if view.plausible => screen.cell(value(&view.value), Tone::Plain),
        Some(view) if all => screen.cell(value(&view.value), Tone::Quiet),
        _ => screen.cell("·", Tone::Quiet),
    }
}

fn alone(row: &Tried, screen: Screen) -> [Cell; 2] {
    let view = row.views.iter().find(|view| view.plausible);
    let view: Option<&View> = view.or(row.views.first());
    [
        screen.cell(
            view.map_or("–".into(), |view| value(&view.value)),
            Tone::Plain,
        ),
        screen.cell(view.map_or("", |view| &view.label), Tone::Quiet),
    ]
}

/// A value as short as a table wants it.
pub(super) fn value(value: &Value) -> String {
    let raw = match value {
        Value::Bytes(bytes) => return shown_bytes(bytes),
        other => mainstem_adapter::to_json_value(other).to_string(),
    };
    let raw = serde_json::value::RawValue::from_string(raw).ok();
    let mut shown = text::short_value(raw.as_deref());
    if shown.chars().count() > VALUE_CHARACTERS_MAX {
        shown = shown.chars().take(VALUE_CHARACTERS_MAX).collect();
        shown.push('…');
    }
    shown
}

fn shown_bytes(bytes: &[u8]) -> String {
    let more = if bytes.len() > BYTES_SHOWN_MAX {
        "…"
    } else {
        ""
    };
    let bytes = &bytes[..bytes.len().min(BYTES_SHOWN_MAX)];
    format!("{}{more}", trace_line::hex(bytes))
}

/// What the words in the labels mean that are shown.
pub(super) fn legend(
    rows: &[Tried],
    all: bool,
    words: &[(&'static str, &'static str)],
) -> Vec<String> {
    let labels = labels(rows, all);
    if rows.iter().all(|row| counted(row, all) < 2) {
        return Vec::new();
    }
    let used = words.iter().filter(|(word, _)| {
        labels
            .iter()
            .any(|label| label.split(' ').any(|part| part == *word))
    });
    used.map(|(word, meaning)| format!("{word}: {meaning}"))
        .collect()
}

/// How it was read, and when.
pub(super) fn footer(read: &Attempt, rows: &[Tried]) -> String {
    let count = |number: u64, one: &str, many: &str| {
        format!("{number} {}", if number == 1 { one } else { many })
    };
    let mut parts = vec![count(rows.len() as u64, "address", "addresses")];
    if read.statistics.requests > 0 {
        parts.push(count(read.statistics.requests, "request", "requests"));
    }
    if let Some(trip) = read.statistics.round_trip_p50 {
        parts.push(format!(
            "answered in {}",
            text::milliseconds(Some(trip.as_secs_f64()))
        ));
    }
    if let Some(last) = rows.iter().filter_map(|row| row.at).max() {
        parts.push(format!("at {}", text::moment(last)));
    }
    let mut footer = parts.join(", ");
    for (code, number) in &read.statistics.errors {
        footer.push_str(&format!("; {number} × {code}"));
    }
    if let Some(end) = &read.end {
        footer.push_str(&format!("; then the session ended: {end}"));
    }
    footer
}
