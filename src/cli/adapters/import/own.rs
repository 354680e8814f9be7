//! Our own columns.

use std::time::Duration;

use mainstem_adapter::explore::Wish;
use mainstem_model::quantity::parse_duration;
use serde_json::{Map, Value, json};

use super::list::{Adapter, Line, Mistake, Row};
use crate::cli::adapters::resources::Item;

pub(super) const HEADINGS: [&str; 15] = [
    "adapter",
    "kind",
    "device",
    "name",
    "address",
    "type",
    "interval",
    "access",
    "unit",
    "description",
    "factor",
    "offset",
    "min",
    "max",
    "stale_after",
];
/// Columns for whatever else a connection or an address may say: `option.word_order`.
pub(super) const PREFIXES: [&str; 2] = ["connection.", "option."];

pub(super) fn row(line: &Line<'_>, adapter: &Adapter, mistakes: &mut Vec<Mistake>) -> Option<Row> {
    let before = mistakes.len();
    let name = line.get("name");
    if name.is_none() {
        mistakes.push(line.mistake("name", "the name is missing"));
    }
    let mut row = target(
        line,
        adapter,
        ("address", "type"),
        line.get("type"),
        mistakes,
    )?;
    row.item.path = name
        .unwrap_or_default()
        .split('.')
        .map(str::to_owned)
        .collect();
    for (key, value) in line.with_prefix("option.") {
        row.item.operation[key] =
            serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    }
    if let Some(text) = line.get("interval") {
        match interval(text) {
            Some(interval) => set_interval(&mut row, interval),
            None => {
                let message = format!("`{text}` is no interval: 500ms, 10s, or milliseconds");
                mistakes.push(line.mistake("interval", message));
            }
        }
    }
    if let Some(word) = line.get("access") {
        match word.to_ascii_lowercase().as_str() {
            "r" => {}
            "rw" => row.item.access = Some("rw"),
            "w" => row.item.is_write = true,
            _ => mistakes.push(line.mistake("access", format!("`{word}`: r, w or rw"))),
        }
    }
    row.item.unit = line.get("unit").map(str::to_owned);
    row.item.description = line.get("description").map(str::to_owned);
    row.item.more = more(line, mistakes);
    (mistakes.len() == before).then_some(row)
}

/// Scaling, limits, and when it is stale.
fn more(line: &Line<'_>, mistakes: &mut Vec<Mistake>) -> Map<String, Value> {
    let mut more = Map::new();
    let mut section = |section: &str, keys: [&str; 2], mistakes: &mut Vec<Mistake>| {
        let mut members = Map::new();
        for key in keys {
            if let Some(number) = line.number(key, mistakes) {
                members.insert(key.to_owned(), json!(number));
            }
        }
        if !members.is_empty() {
            more.insert(section.to_owned(), Value::Object(members));
        }
    };
    section("scaling", ["factor", "offset"], mistakes);
    section("limits", ["min", "max"], mistakes);
    if line.number("factor", &mut Vec::new()) == Some(0.0) {
        mistakes.push(line.mistake("factor", "a factor of 0 makes every value 0"));
    }
    if let Some(text) = line.get("stale_after") {
        match parse_duration(text) {
            Ok(_) => drop(more.insert("stale_after".into(), json!(text))),
            Err(error) => mistakes.push(line.mistake("stale_after", format!("`{text}`: {error}"))),
        }
    }
    more
}

/// The operation of an address.
pub(super) fn target(
    line: &Line<'_>,
    adapter: &Adapter,
    (address, type_heading): (&str, &str),
    data_type: Option<&str>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Row> {
    let Some(text) = line.get(address) else {
        mistakes.push(line.mistake(address, "the address is missing"));
        return None;
    };
    // Kinds whose devices tell the type need it here, where there is no device.
    let wish = |data_type| Wish {
        address: text,
        count: 1,
        data_type,
    };
    let targets = adapter.explore.targets(&wish(data_type));
    let target = match targets {
        Ok(targets) => targets.into_iter().next()?,
        Err(message) => {
            // The address alone tells whose fault it is.
            let is_type = data_type.is_some() && adapter.explore.targets(&wish(None)).is_ok();
            let heading = if is_type { type_heading } else { address };
            mistakes.push(line.mistake(heading, message));
            return None;
        }
    };
    let item = Item {
        operation: target.operation,
        value_type: data_type
            .and(target.value_type)
            .map(|value_type| value_type.to_string()),
        ..Item::default()
    };
    Some(Row {
        line: line.line(),
        item,
        interval: None,
        address_at: line.place(address),
        type_at: line.place(type_heading),
    })
}

pub(super) fn set_interval(row: &mut Row, interval: Duration) {
    row.interval = Some(interval);
    row.item.operation["interval"] = json!(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX));
}

fn interval(text: &str) -> Option<Duration> {
    match text.parse::<u64>() {
        Ok(millis) => Some(Duration::from_millis(millis)),
        Err(_) => parse_duration(text).ok(),
    }
}
