//! Reads a configuration object and reports every field that is wrong, not the first one.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Problem;

/// Reads an object. `smallest` is a valid object with nothing but the required keys: each given
/// key is tried in it alone, so that one wrong key does not hide the next. `protocol` is named where a
/// key is none of its options.
pub fn read<T: DeserializeOwned + JsonSchema>(
    value: &Value,
    pointer: &str,
    smallest: &Value,
    protocol: &str,
) -> Result<T, Vec<Problem>> {
    let Some(given) = value.as_object() else {
        return Err(vec![Problem::new(
            pointer,
            "this is no object",
            "keys with values",
        )]);
    };
    let schema = schemars::schema_for!(T).to_value();
    let no_keys = Map::new();
    let known = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&no_keys);
    let mut problems = Vec::new();
    for (key, content) in given {
        let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        match known.get(key) {
            None => problems.push(unknown(&place, key, known, protocol)),
            Some(property) => {
                problems.extend(check::<T>(&place, key, content, property, smallest));
            }
        }
    }
    for key in smallest.as_object().into_iter().flat_map(Map::keys) {
        if !given.contains_key(key) {
            let expected = known.get(key).map_or_else(String::new, expected);
            problems.push(Problem::new(
                pointer,
                format!("`{key}` is missing"),
                expected,
            ));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    serde_json::from_value(value.clone()).map_err(|error| {
        vec![Problem::new(
            pointer,
            error.to_string(),
            "see the option table",
        )]
    })
}

fn unknown(place: &str, key: &str, known: &Map<String, Value>, protocol: &str) -> Problem {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let message = format!("`{key}` is no option of {protocol}");
    Problem::new(place, message, format!("one of {}", names.join(" ")))
}

fn check<T: DeserializeOwned>(
    place: &str,
    key: &str,
    content: &Value,
    property: &Value,
    smallest: &Value,
) -> Option<Problem> {
    let mut trial = smallest.clone();
    trial[key] = content.clone();
    if let Err(error) = serde_json::from_value::<T>(trial) {
        return Some(Problem::new(place, error.to_string(), expected(property)));
    }
    let size = content.as_f64().or_else(|| {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a text has at most a few million bytes"
        )]
        content.as_str().map(|text| text.len() as f64)
    })?;
    let bound = |name: &str| property.get(name).and_then(Value::as_f64);
    let low = bound("minimum").or_else(|| bound("minLength"));
    let high = bound("maximum").or_else(|| bound("maxLength"));
    if low.is_none_or(|low| size >= low) && high.is_none_or(|high| size <= high) {
        return None;
    }
    Some(Problem::new(
        place,
        format!("{content} is out of range"),
        expected(property),
    ))
}

/// What a person would write there: the description of the option and its range.
fn expected(property: &Value) -> String {
    let text = property
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let text = text.replace('\n', " ");
    match (property.get("minimum"), property.get("maximum")) {
        (Some(low), Some(high)) => format!("{low} to {high}: {text}"),
        _ => text,
    }
}
