//! From the validator's errors to findings in our own sentences.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::branch::{Meant, meant};
use super::expected::{choices, expected, keys, one_of};
use crate::nearest::nearest;
use crate::report::is_secret_key;
use crate::tree::{join, segments};

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

/// Turns errors into findings.
#[derive(Clone, Copy)]
pub(super) struct Explainer<'a> {
    /// The schema that was applied.
    pub(super) root: &'a Value,
    /// What the value that was checked is called, for what concerns it as a whole.
    pub(super) name: &'a str,
}

impl Explainer<'_> {
    /// What an error means.
    pub(super) fn explain(self, error: &ValidationError<'_>) -> Vec<Finding> {
        let pointer = error.instance_path().as_str().to_owned();
        let keyword = error.schema_path().as_str();
        let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
        let schema = self.root.pointer(parent).unwrap_or(&Value::Null);
        match error.kind() {
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let own = error.instance();
                let finding = |key: &String| unknown_key(&pointer, key, schema, own);
                unexpected.iter().map(finding).collect()
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let wanted = schema
                    .get("properties")
                    .and_then(|p| p.get(key))
                    .map(expected);
                vec![missing_key(pointer, key, wanted.unwrap_or_default())]
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.alternatives(error, context, pointer, schema)
            }
            Kind::PropertyNames { error } => self.explain(error),
            _ => vec![self.wrong_value(pointer, error.instance(), error.kind(), schema)],
        }
    }

    /// Nothing fits. If it is plain which alternative was meant, its errors are the ones to tell.
    fn alternatives(
        self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        pointer: String,
        schema: &Value,
    ) -> Vec<Finding> {
        let instance: &Value = error.instance();
        let all = |errors: &[ValidationError<'static>]| {
            errors
                .iter()
                .flat_map(|error| self.explain(error))
                .collect()
        };
        match meant(instance, schema, &pointer, context) {
            Meant::Branch(index) => all(context.get(index).map_or(&[], Vec::as_slice)),
            Meant::NoWord(key, words) => vec![missing_key(pointer, key, one_of(&words))],
            Meant::OtherWord(key, words) => {
                let found = instance.get(key).unwrap_or(&Value::Null);
                let schema = serde_json::json!({"enum": words});
                vec![self.wrong_value(join(&pointer, key), found, error.kind(), &schema)]
            }
            Meant::Unclear => vec![self.wrong_value(pointer, instance, error.kind(), schema)],
        }
    }

    fn wrong_value(
        self,
        pointer: String,
        instance: &Value,
        kind: &Kind,
        schema: &Value,
    ) -> Finding {
        let path: Vec<String> = segments(&pointer).collect();
        let is_key = |segment: &&String| !segment.bytes().all(|byte| byte.is_ascii_digit());
        let key = path
            .iter()
            .rev()
            .find(is_key)
            .map_or(self.name, String::as_str);
        let what = what_is_wrong(kind);
        let hidden = format!("`{key}` {what}: what was found is not shown");
        let secret = is_secret_key(key) && (instance.is_string() || instance.is_number());
        let message = if secret {
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
}

fn what_is_wrong(kind: &Kind) -> &'static str {
    match kind {
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
    }
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

fn missing_key(pointer: String, key: &str, wanted: String) -> Finding {
    let wanted = if wanted.is_empty() {
        "a value".into()
    } else {
        wanted
    };
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
