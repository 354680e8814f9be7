//! Reading one section of configuration with every problem found, not the first.

use mainstem_adapter::Problem;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads an object whose fields are all optional for serde. Each field is tried alone, so that
/// each mistake is reported at its own place; `None` if there was any.
pub(crate) fn read<T: DeserializeOwned>(
    section: &Value,
    pointer: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let Some(fields) = section.as_object() else {
        problems.push(Problem::new(
            pointer,
            "this is no mapping",
            "a mapping of options",
        ));
        return None;
    };
    let before = problems.len();
    for (key, value) in fields {
        let alone = Map::from_iter([(key.clone(), value.clone())]);
        if let Err(error) = T::deserialize(Value::Object(alone)) {
            problems.push(problem(
                &format!("{pointer}/{}", escape(key)),
                &error.to_string(),
            ));
        }
    }
    if problems.len() > before {
        None
    } else {
        T::deserialize(section).ok()
    }
}

/// A range check that reports itself.
pub(crate) fn in_range(
    value: u64,
    range: std::ops::RangeInclusive<u64>,
    pointer: &str,
    unit: &str,
    problems: &mut Vec<Problem>,
) {
    if !range.contains(&value) {
        let expected = format!("{} to {}{unit}", range.start(), range.end());
        problems.push(Problem::new(
            pointer,
            format!("{value} is out of range"),
            expected,
        ));
    }
}

// serde's messages have the form "what was found, expected what was expected".
fn problem(pointer: &str, message: &str) -> Problem {
    match message.split_once(", expected ") {
        Some((found, expected)) => Problem::new(pointer, found, expected),
        None => Problem::new(pointer, message, "see the options of the kind opcua"),
    }
}

// RFC 6901.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
