//! The tags of a Kepware server as its «Export CSV» writes them.

use std::time::Duration;

use serde_json::json;

use super::list::{Adapter, Line, Mistake, Plan, Row};
use super::own::{set_interval, target};
use super::{ImportArgs, WordOrder};

pub(super) const HEADINGS: [&str; 17] = [
    "Tag Name",
    "Address",
    "Data Type",
    "Respect Data Type",
    "Client Access",
    "Scan Rate",
    "Scaling",
    "Raw Low",
    "Raw High",
    "Scaled Low",
    "Scaled High",
    "Scaled Data Type",
    "Clamp Low",
    "Clamp High",
    "Eng Units",
    "Description",
    "Negate Value",
];

/// Kepware's words for types, and ours. Those without one cannot be read here.
const TYPES: [(&str, Option<&str>); 15] = [
    ("Boolean", Some("bool")),
    ("Char", Some("i8")),
    ("Byte", Some("u8")),
    ("Short", Some("i16")),
    ("Word", Some("u16")),
    ("Long", Some("i32")),
    ("DWord", Some("u32")),
    ("LLong", Some("i64")),
    ("QWord", Some("u64")),
    ("Float", Some("f32")),
    ("Double", Some("f64")),
    ("String", Some("text")),
    ("BCD", None),
    ("LBCD", None),
    ("Date", None),
];
/// Types of several registers.
const LONG: [&str; 6] = ["i32", "u32", "f32", "i64", "u64", "f64"];

pub(super) fn is_one(headings: &[String]) -> bool {
    headings
        .iter()
        .any(|heading| heading.eq_ignore_ascii_case("Tag Name"))
}

pub(super) fn row(
    line: &Line<'_>,
    adapter: &Adapter,
    args: &ImportArgs,
    mistakes: &mut Vec<Mistake>,
) -> Option<Row> {
    let before = mistakes.len();
    let Some(name) = line.get("Tag Name") else {
        mistakes.push(line.mistake("Tag Name", "the name is missing"));
        return None;
    };
    let (data_type, obstacle) = data_type(line, mistakes);
    let places = ("Address", "Data Type");
    let mut row = target(line, adapter, places, data_type, mistakes)?;
    row.item.path = name.split('.').map(str::to_owned).collect();
    row.item.obstacle = obstacle;
    if adapter.kind.name == "modbus"
        && args.word_order == WordOrder::Little
        && data_type.is_some_and(|word| LONG.contains(&word))
    {
        row.item.operation["word_order"] = json!("little");
    }
    if let Some(text) = line.get("Scan Rate") {
        match text.parse::<u64>() {
            Ok(millis) => set_interval(&mut row, Duration::from_millis(millis)),
            Err(_) => {
                let message = format!("`{text}` is no number of milliseconds");
                mistakes.push(line.mistake("Scan Rate", message));
            }
        }
    }
    access(line, &mut row, mistakes);
    scaling(line, &mut row, mistakes);
    row.item.unit = line.get("Eng Units").map(str::to_owned);
    row.item.description = line.get("Description").map(str::to_owned);
    (mistakes.len() == before).then_some(row)
}

/// Our word for the type, and why it cannot be read if so.
fn data_type(
    line: &Line<'_>,
    mistakes: &mut Vec<Mistake>,
) -> (Option<&'static str>, Option<String>) {
    let Some(word) = line
        .get("Data Type")
        .filter(|word| !word.eq_ignore_ascii_case("Default"))
    else {
        return (None, None);
    };
    let (single, is_array) = match word.strip_suffix(" Array") {
        Some(single) => (single, true),
        None => (word, false),
    };
    let found = TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(single));
    match found {
        None => {
            let known: Vec<&str> = TYPES.iter().map(|(known, _)| *known).collect();
            let message = format!("`{word}` is no type; known are {}", known.join(", "));
            mistakes.push(line.mistake("Data Type", message));
            (None, None)
        }
        Some((_, Some(own))) if !is_array => (Some(own), None),
        Some(_) => (None, Some(format!("the type {word} cannot be taken over"))),
    }
}

fn access(line: &Line<'_>, row: &mut Row, mistakes: &mut Vec<Mistake>) {
    let Some(word) = line.get("Client Access") else {
        return;
    };
    match word.to_ascii_uppercase().as_str() {
        "RO" | "R" => {}
        "R/W" | "RW" => row.item.access = Some("rw"),
        "WO" | "W" => row.item.is_write = true,
        _ => {
            let message = format!("`{word}` is none of RO, R/W, WO");
            mistakes.push(line.mistake("Client Access", message));
        }
    }
}

fn scaling(line: &Line<'_>, row: &mut Row, mistakes: &mut Vec<Mistake>) {
    let word = line.get("Scaling").unwrap_or("None");
    let negated = line
        .get("Negate Value")
        .is_some_and(|text| !matches!(text, "0" | "No" | "no"));
    let sign = if negated { -1.0 } else { 1.0 };
    if word.eq_ignore_ascii_case("None") {
        if negated {
            row.item
                .more
                .insert("scaling".into(), json!({ "factor": -1.0 }));
        }
        return;
    }
    if !word.eq_ignore_ascii_case("Linear") {
        row.item.obstacle = Some(format!("the scaling {word} cannot be taken over"));
        return;
    }
    let names = ["Raw Low", "Raw High", "Scaled Low", "Scaled High"];
    let numbers = names.map(|name| {
        if line.get(name).is_none() {
            mistakes.push(line.mistake(name, "linear scaling needs it"));
        }
        line.number(name, mistakes)
    });
    let [Some(raw_low), Some(raw_high), Some(low), Some(high)] = numbers else {
        return;
    };
    let factor = sign * (high - low) / (raw_high - raw_low);
    let offset = sign * low - raw_low * factor;
    if !factor.is_finite() || factor == 0.0 {
        let message = "the ends of the ranges are the same, so nothing can be scaled by them";
        mistakes.push(line.mistake("Raw High", message));
        return;
    }
    row.item.more.insert(
        "scaling".into(),
        json!({ "factor": factor, "offset": offset }),
    );
    for heading in ["Clamp Low", "Clamp High"] {
        if line
            .get(heading)
            .is_some_and(|text| !matches!(text, "0" | "No" | "no"))
        {
            let remark =
                format!("{heading} was set: here a value is shown as it is, never cut off");
            row.item.remarks.push(remark);
        }
    }
}

/// What holds for the whole list.
pub(super) fn remarks(plan: &Plan, args: &ImportArgs) -> Vec<String> {
    let has_order = plan
        .adapters
        .iter()
        .flat_map(|adapter| &adapter.rows)
        .any(|row| row.item.operation.get("word_order").is_some());
    let mut remarks = Vec::new();
    if has_order && args.word_order == WordOrder::Little {
        remarks.push(
            "Numbers of several registers are written with `word_order: little`, which is Kepware's \
             own default (First Word Low); if the device there says otherwise, use --word-order big."
                .to_owned(),
        );
    }
    remarks
}
