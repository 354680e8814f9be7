//! A message on its way through rules.

use std::collections::BTreeMap;

use bytes::Bytes;
use jsonata_core::value::JValue;

use super::Fault;
use crate::limits::{INPUT_BYTES_MAX, OUTPUT_BYTES_MAX};

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it was published.
    pub topic: String,
    /// The name under which `collect` keeps it.
    pub label: String,
    /// What the named wildcards of its subscription stand for.
    pub vars: Vec<(String, String)>,
    /// What it says.
    pub payload: Bytes,
    /// When it arrived: milliseconds since 1970, by the wall clock.
    pub wall_ms: i64,
}

/// What is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Bytes,
}

/// A payload: as it came, or what rules made of it.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// As it came.
    Raw(Bytes),
    /// Read as JSON, and not changed: what came is what goes.
    Same(Bytes, JValue),
    /// What rules made of it.
    Made(JValue),
}

impl Body {
    /// The value, read as JSON where nothing else was said.
    pub(super) fn value(&mut self) -> Result<&JValue, Fault> {
        if let Self::Raw(bytes) = self {
            let value = read_json(bytes)?;
            *self = Self::Same(bytes.clone(), value);
        }
        match self {
            Self::Same(_, value) | Self::Made(value) => Ok(value),
            // It was replaced just now.
            Self::Raw(_) => Err(Fault::NoJson("it was not read".into())),
        }
    }

    /// The bytes to publish.
    pub(super) fn into_bytes(self) -> Result<Bytes, Fault> {
        let value = match self {
            Self::Raw(bytes) | Self::Same(bytes, _) => return Ok(bytes),
            Self::Made(value) => value,
        };
        let text = write_json("the result", &value)?;
        match text.len() > OUTPUT_BYTES_MAX {
            true => Err(Fault::OutputTooLarge(text.len())),
            false => Ok(text.into()),
        }
    }
}

/// Reads JSON whose nesting is bounded.
pub(super) fn read_json(bytes: &[u8]) -> Result<JValue, Fault> {
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(Fault::InputTooLarge(bytes.len()));
    }
    serde_json::from_slice(bytes).map_err(|error| Fault::NoJson(error.to_string()))
}

pub(super) fn write_json(what: &'static str, value: &JValue) -> Result<String, Fault> {
    if value.is_function() || value.is_regex() {
        return Err(Fault::Rule {
            rule: what,
            cause: "a function cannot be published".into(),
        });
    }
    value.to_json_string().map_err(|error| Fault::Rule {
        rule: what,
        cause: error.to_string(),
    })
}

/// What expressions see of a message beside its payload.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) topic: String,
    pub(super) label: String,
    /// Set by wildcards: the second is whether it may contain `/`.
    pub(super) vars: BTreeMap<String, (JValue, bool)>,
    pub(super) wall_ms: i64,
}

impl Context {
    pub(super) fn of(input: &Input) -> Self {
        let vars = input.vars.iter().map(|(name, value)| {
            // A wildcard's value comes from a topic, so every level of it is one already.
            (name.clone(), (JValue::from(value.as_str()), true))
        });
        Self {
            topic: input.topic.clone(),
            label: input.label.clone(),
            vars: vars.collect(),
            wall_ms: input.wall_ms,
        }
    }

    /// `$context`.
    pub(super) fn value(&self) -> JValue {
        let vars = self.vars.iter();
        let vars = vars.map(|(name, (value, _))| (name.clone(), value.clone()));
        let vars = object_of(vars);
        object_of([
            ("topic".to_owned(), JValue::from(self.topic.as_str())),
            ("label".to_owned(), JValue::from(self.label.as_str())),
            ("vars".to_owned(), vars),
        ])
    }

    /// A variable as part of a topic.
    pub(super) fn level(&self, name: &str) -> Result<String, String> {
        let (value, may_have_levels) = self
            .vars
            .get(name)
            .ok_or_else(|| format!("nothing gave `{name}` a value"))?;
        let text = match value {
            JValue::String(text) => text.to_string(),
            JValue::Number(_) | JValue::Bool(_) => value.to_string(),
            _ => return Err(format!("`{name}` is no text, number or boolean")),
        };
        let wrong = text.is_empty() || text.contains(['+', '#', '\0']) || text.starts_with('$');
        if wrong || (text.contains('/') && !may_have_levels) {
            let text: String = text.chars().take(64).collect();
            return Err(format!(
                "`{name}` is {text:?}, which cannot be a level of a topic"
            ));
        }
        Ok(text)
    }
}

/// An object of these members.
pub(super) fn object_of(members: impl IntoIterator<Item = (String, JValue)>) -> JValue {
    JValue::object(members.into_iter().collect())
}
