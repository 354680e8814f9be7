//! Which of several alternatives of a schema was meant.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::expected::choices;

/// What can be said about a value that fits no alternative.
pub(super) enum Meant<'a> {
    /// It is the one at this index.
    Branch(usize),
    /// The alternatives differ in the word of this key, which is missing.
    NoWord(&'a str, Vec<&'a str>),
    /// The alternatives differ in the word of this key, and the one found is none of them.
    OtherWord(&'a str, Vec<&'a str>),
    /// Nobody can tell.
    Unclear,
}

/// Which of the alternatives in a schema was meant. `context` are the errors of each.
pub(super) fn meant<'a>(
    instance: &Value,
    schema: &'a Value,
    pointer: &str,
    context: &[Vec<ValidationError<'static>>],
) -> Meant<'a> {
    if !choices(schema).is_empty() {
        return Meant::Unclear;
    }
    if let (Value::Object(map), Some((key, words))) = (instance, discriminator(schema)) {
        return match map.get(key) {
            None => Meant::NoWord(key, words),
            Some(found) => match words.iter().position(|word| found == *word) {
                Some(index) => Meant::Branch(index),
                None => Meant::OtherWord(key, words),
            },
        };
    }
    // Otherwise the one whose type fits, if there is just one.
    let fits = |errors: &Vec<ValidationError<'static>>| {
        let about_type =
            |e: &ValidationError<'_>| matches!(e.kind(), Kind::Type { .. } | Kind::Constant { .. });
        !errors
            .iter()
            .any(|e| e.instance_path().as_str() == pointer && about_type(e))
    };
    let mut fitting = (0..context.len()).filter(|index| fits(&context[*index]));
    match (fitting.next(), fitting.next()) {
        (Some(index), None) => Meant::Branch(index),
        _ => Meant::Unclear,
    }
}

/// The key that has a fixed word of its own in every alternative, with the words.
fn discriminator(schema: &Value) -> Option<(&str, Vec<&str>)> {
    let alternatives = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|keyword| schema.get(keyword));
    let branches = alternatives?.as_array()?;
    let Value::Object(first) = branches.first()?.get("properties")? else {
        return None;
    };
    first.keys().find_map(|key| {
        let word = |branch| {
            Value::get(branch, "properties")?
                .get(key)?
                .get("const")?
                .as_str()
        };
        let words: Option<Vec<&str>> = branches.iter().map(word).collect();
        Some((key.as_str(), words?))
    })
}
