//! What a schema wants, as a person would say it.

use mainstem_model::quantity::{show_duration, show_size};
use serde_json::Value;

use super::keywords::{DurationRange, SizeRange, format_words};

/// Keys that are listed before the rest is counted.
const KEYS_LISTED: usize = 40;

/// What a schema wants. Empty if it takes anything.
pub(crate) fn expected(schema: &Value) -> String {
    if let Some(words) = schema.get("x-expected").and_then(Value::as_str) {
        return words.to_owned();
    }
    let words = choices(schema);
    if !words.is_empty() {
        return one_of(&words);
    }
    if let Some(range) = schema.get("duration") {
        return duration(range);
    }
    if let Some(range) = schema.get("size") {
        let SizeRange { min, max } = SizeRange::new(range);
        return format!(
            "a size from {} to {}, such as `16 MiB`",
            show_size(min),
            show_size(max)
        );
    }
    let format = schema
        .get("format")
        .and_then(Value::as_str)
        .and_then(format_words);
    if let Some(words) = format {
        return words.to_owned();
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(Value::Array(branches)) = schema.get(keyword) {
            let words: Vec<String> = branches
                .iter()
                .map(expected)
                .filter(|words| !words.is_empty())
                .collect();
            return words.join(", or ");
        }
    }
    let types = type_names(schema);
    let words: Vec<String> = types.iter().map(|name| of_type(name, schema)).collect();
    words.join(" or ")
}

/// The valid values, where the schema lists them.
pub(super) fn choices(schema: &Value) -> Vec<String> {
    if let Some(constant) = schema.get("const") {
        return vec![shown(constant)];
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        return values
            .iter()
            .filter(|value| !value.is_null())
            .map(shown)
            .collect();
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(Value::Array(branches)) = schema.get(keyword) {
            let parts: Vec<Vec<String>> = branches
                .iter()
                .filter(|branch| !is_null(branch))
                .map(choices)
                .collect();
            if parts.iter().all(|part| !part.is_empty()) {
                return parts.concat();
            }
        }
    }
    Vec::new()
}

/// The keys that a map may have.
pub(super) fn keys(schema: &Value) -> Vec<&str> {
    match schema.get("properties") {
        Some(Value::Object(properties)) => properties.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `a`, or one of `a`, `b`.
pub(crate) fn one_of<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{}`", word.as_ref()),
        _ => {
            let listed: Vec<String> = words
                .iter()
                .take(KEYS_LISTED)
                .map(|word| format!("`{}`", word.as_ref()))
                .collect();
            let rest = words.len().saturating_sub(KEYS_LISTED);
            let more = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            format!("one of {}{more}", listed.join(", "))
        }
    }
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn type_names(schema: &Value) -> Vec<&str> {
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| *name != "null").collect()
}

fn duration(range: &Value) -> String {
    let DurationRange { min, max, number } = DurationRange::new(range);
    let (min, max) = (show_duration(min), show_duration(max));
    let number = number
        .map(|unit| format!(", or a number of {unit}"))
        .unwrap_or_default();
    format!("a duration from {min} to {max}, such as `5s` or `2 min`{number}")
}

fn of_type(name: &str, schema: &Value) -> String {
    match name {
        "string" => text(schema),
        "integer" => format!("a whole number{}", range(schema)),
        "number" => format!("a number{}", range(schema)),
        "boolean" => "`true` or `false`".into(),
        "array" => match schema
            .get("items")
            .map(expected)
            .filter(|words| !words.is_empty())
        {
            Some(items) => format!("a list, each item {items}"),
            None => "a list".into(),
        },
        "object" => match keys(schema) {
            keys if keys.is_empty() => "a map of keys and values".into(),
            keys => format!("a map with {}", one_of(&keys).replace("one of ", "")),
        },
        other => other.into(),
    }
}

fn text(schema: &Value) -> String {
    let number = |key| schema.get(key).and_then(Value::as_u64);
    match (number("minLength"), number("maxLength")) {
        (None | Some(0), None) => "a text".into(),
        (Some(1), None) => "a text that is not empty".into(),
        (Some(min), None) => format!("a text of at least {min} characters"),
        (_, Some(max)) => format!("a text of at most {max} characters"),
    }
}

fn range(schema: &Value) -> String {
    let bound = |key| schema.get(key).map(ToString::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    }
}
