//! From the validator's errors to findings in our own sentences.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::expected::{choices, expected, keys, one_of};
use crate::nearest::nearest;
use crate::report::is_secret_key;
use crate::tree::segments;

/// Characters of a found text that are shown.
const SHOWN_CHARS_MAX: usize = 60;

/// One thing that is wrong.
pub(super) struct Finding {
    /// Relative to the value that was checked.
    pub(super) pointer: String,
    /// The key in the map at the pointer that this is about; the value itself if none.
    pub(super) key: Option<String>,
    /// Whether that key is not there.
    pub(super) missing: bool,
    pub(super) message: String,
    /// The message without the value that was found.
    pub(super) hidden: String,
    pub(super) expected: String,
    pub(super) nearest: Option<String>,
}

/// What an error means.
pub(super) fn explain(error: &ValidationError<'_>, root: &Value) -> Vec<Finding> {
    let pointer = error.instance_path().as_str().to_owned();
    let keyword = error.schema_path().as_str();
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    let schema = root.pointer(parent).unwrap_or(&Value::Null);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let own = error.instance();
            let finding = |key: &String| unknown_key(&pointer, key, schema, own);
            unexpected.iter().map(finding).collect()
        }
        Kind::Required { property } => {
            vec![missing_key(
                pointer,
                property.as_str().unwrap_or_default(),
                schema,
            )]
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            match meant_branch(context, &pointer, schema) {
                Some(branch) => branch
                    .iter()
                    .flat_map(|error| explain(error, root))
                    .collect(),
                None => vec![wrong_value(pointer, error, schema)],
            }
        }
        Kind::PropertyNames { error } => explain(error, root),
        _ => vec![wrong_value(pointer, error, schema)],
    }
}

/// The alternative whose type fits, if there is just one: its errors are the ones to tell.
fn meant_branch<'a>(
    context: &'a [Vec<ValidationError<'static>>],
    pointer: &str,
    schema: &Value,
) -> Option<&'a [ValidationError<'static>]> {
    if !choices(schema).is_empty() {
        return None;
    }
    let fits = |errors: &&Vec<ValidationError<'static>>| {
        let about_type =
            |e: &ValidationError<'_>| matches!(e.kind(), Kind::Type { .. } | Kind::Constant { .. });
        !errors
            .iter()
            .any(|e| e.instance_path().as_str() == pointer && about_type(e))
    };
    let mut branches = context.iter().filter(fits);
    let first = branches.next()?;
    branches.next().is_none().then_some(first.as_slice())
}

fn unknown_key(pointer: &str, key: &str, schema: &Value, own: &Value) -> Finding {
    let keys = keys(schema);
    // A key that is there already was not meant once more.
    let open = keys.iter().copied().filter(|key| own.get(*key).is_none());
    let nearest = nearest(key, open).map(str::to_owned);
    let message = format!("unknown key `{key}`");
    Finding {
        pointer: pointer.to_owned(),
        key: Some(key.to_owned()),
        missing: false,
        hidden: message.clone(),
        message,
        expected: one_of(&keys),
        nearest,
    }
}

fn missing_key(pointer: String, key: &str, schema: &Value) -> Finding {
    let wanted = schema
        .get("properties")
        .and_then(|p| p.get(key))
        .map(expected);
    let wanted = wanted
        .filter(|words| !words.is_empty())
        .unwrap_or_else(|| "a value".into());
    let message = format!("`{key}` is missing");
    Finding {
        pointer,
        key: Some(key.to_owned()),
        missing: true,
        hidden: message.clone(),
        message,
        expected: format!("`{key}:` with {wanted}"),
        nearest: None,
    }
}

fn wrong_value(pointer: String, error: &ValidationError<'_>, schema: &Value) -> Finding {
    let instance: &Value = error.instance();
    let path: Vec<String> = segments(&pointer).collect();
    let is_item = |segment: &&String| !segment.bytes().all(|byte| byte.is_ascii_digit());
    let key = path
        .iter()
        .rev()
        .find(is_item)
        .map_or("the file", String::as_str);
    let what = match error.kind() {
        Kind::Type { .. } => "has the wrong type",
        Kind::Minimum { .. }
        | Kind::Maximum { .. }
        | Kind::ExclusiveMinimum { .. }
        | Kind::ExclusiveMaximum { .. } => "is out of range",
        Kind::MaxLength { .. } | Kind::MaxItems { .. } | Kind::MaxProperties { .. } => {
            "is too long"
        }
        Kind::MinLength { .. } | Kind::MinItems { .. } | Kind::MinProperties { .. } => {
            "is too short"
        }
        _ => "is not valid",
    };
    let hidden = format!("`{key}` {what}: what was found is not shown");
    let message = if is_secret_key(key) && (instance.is_string() || instance.is_number()) {
        hidden.clone()
    } else {
        format!("`{key}` {what}: found {}", found(instance))
    };
    Finding {
        pointer,
        key: None,
        missing: false,
        message,
        hidden,
        expected: expected(schema),
        nearest: nearest_value(instance, schema),
    }
}

fn nearest_value(instance: &Value, schema: &Value) -> Option<String> {
    let text = instance.as_str()?;
    let words = choices(schema);
    if let Some(word) = nearest(text, words.iter().map(String::as_str)) {
        return Some(word.to_owned());
    }
    let takes = |name: &str| match schema.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(names)) => names.iter().any(|n| n == name),
        _ => false,
    };
    let is_number = (takes("integer") && text.parse::<i64>().is_ok())
        || (takes("number") && text.parse::<f64>().is_ok_and(f64::is_finite))
        || (takes("boolean") && matches!(text, "true" | "false"));
    if is_number && !takes("string") {
        return Some(format!("{text}, without quotes"));
    }
    let boolean = match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => "true",
        "no" | "off" | "n" => "false",
        _ => return None,
    };
    takes("boolean").then(|| boolean.to_owned())
}

/// What was found, shortened.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty text".into(),
        Value::String(text) => {
            let short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            let dots = if short.len() < text.len() { "…" } else { "" };
            format!("the text {:?}", format!("{short}{dots}"))
        }
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a map".into(),
    }
}
