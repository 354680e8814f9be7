//! What a datapoint is, told before its first value.

use serde::{Deserialize, Serialize};

use crate::limits::{DESCRIPTION_BYTES_MAX, UNIT_BYTES_MAX};
use crate::{Value, ValueType};

/// Who may do what with a datapoint, as far as the device goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum Access {
    /// Read only.
    #[default]
    #[serde(rename = "r")]
    Read,
    /// Write only.
    #[serde(rename = "w")]
    Write,
    /// Read and write.
    #[serde(rename = "rw")]
    ReadWrite,
}

impl Access {
    /// Whether writes are possible at all.
    pub fn is_writable(self) -> bool {
        self != Self::Read
    }

    /// The stable word: `r`, `w` or `rw`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Write => "w",
            Self::ReadWrite => "rw",
        }
    }
}

/// The range that a written number must keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Default)]
pub struct Limits {
    /// Smallest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Limits {
    /// Whether a value keeps the range; values that are no numbers always do, NaN never.
    pub fn allow(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().all(|item| self.allow(item)),
            _ => value.as_f64().is_none_or(|number| {
                self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
            }),
        }
    }
}

/// The metadata of a datapoint. Its name and source stand beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The type of its values.
    pub value_type: ValueType,
    /// Its unit as a person reads it.
    pub unit: Option<Box<str>>,
    /// What it is.
    pub description: Option<Box<str>>,
    /// Whether it can be written.
    pub access: Access,
    /// The range for writes.
    pub limits: Option<Limits>,
}

impl Definition {
    /// A read-only datapoint of a type.
    pub fn new(value_type: impl Into<ValueType>) -> Self {
        Self {
            value_type: value_type.into(),
            unit: None,
            description: None,
            access: Access::Read,
            limits: None,
        }
    }

    /// With a unit, cut to its limit.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.unit = cut(unit, UNIT_BYTES_MAX);
        self
    }

    /// With a description, cut to its limit.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.description = cut(text, DESCRIPTION_BYTES_MAX);
        self
    }

    /// Readable and writable.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.access = Access::ReadWrite;
        self
    }

    /// With a range for writes.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }
}

fn cut(text: &str, bytes_max: usize) -> Option<Box<str>> {
    let end = text.floor_char_boundary(bytes_max);
    (!text.is_empty()).then(|| text[..end].into())
}
