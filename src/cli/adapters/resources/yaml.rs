//! YAML as a person would write it: plain words bare, everything else in quotes. Pure.

use serde_json::{Map, Value};

/// One resource below `resources:`. `mark` stands before each line: nothing, or that of a comment.
pub(super) fn resource(
    out: &mut String,
    id: &str,
    resource_type: &str,
    properties: &Map<String, Value>,
    mark: &str,
) {
    line(out, mark, 1, &format!("{id}:"));
    line(out, mark, 2, &format!("type: {resource_type}"));
    line(out, mark, 2, "properties:");
    members(out, mark, 3, properties);
}

fn members(out: &mut String, mark: &str, depth: usize, members_of: &Map<String, Value>) {
    for (key, value) in members_of {
        let key = scalar(&Value::from(key.as_str()));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                line(out, mark, depth, &format!("{key}:"));
                members(out, mark, depth + 1, inner);
            }
            other => line(out, mark, depth, &format!("{key}: {}", scalar(other))),
        }
    }
}

fn line(out: &mut String, mark: &str, depth: usize, text: &str) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(mark);
    out.push_str(text);
    out.push('\n');
}

/// A single value; lists and empty mappings in the form of JSON, which YAML takes.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // JSON's escapes are YAML's as well.
        other => other.to_string(),
    }
}

/// Whether a text means itself without quotes: a word that is no number, no boolean and no null.
fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let reserved = [
        "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf",
    ];
    let lower = text.to_ascii_lowercase();
    begins && text.chars().all(allowed) && !reserved.contains(&lower.as_str())
}

/// A text that stays within its comment.
pub(super) fn in_comment(text: &str) -> String {
    let one_line = text.chars().map(|c| {
        if c.is_control() || c == '\u{2028}' || c == '\u{2029}' || c == '\u{85}' {
            ' '
        } else {
            c
        }
    });
    one_line.collect()
}
