//! What an observation is, and its value as a datapoint's. Pure.

use std::sync::Arc;

use mainstem_adapter::{PointId, Reading};
use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;

/// Numbers that one observation may have.
const NUMBERS_MAX: usize = 65_536;
/// What stands where there is no value.
pub(crate) const UNAVAILABLE: &str = "UNAVAILABLE";

/// What an observation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum DataType {
    /// A text: a state, a name, a number as it is written.
    #[serde(alias = "text")]
    Event,
    /// A number.
    #[serde(alias = "number")]
    Sample,
    /// Several numbers, such as a position in space.
    Vector,
    /// The numbers of a time series.
    TimeSeries,
    /// Which faults and warnings are active, as JSON.
    Condition,
    /// The worst of them as one word: normal, warning or fault.
    Level,
    /// A message with its code, as JSON.
    Message,
}

impl DataType {
    /// The type of a datapoint that holds it.
    pub(crate) fn value_type(self) -> ValueType {
        let scalar = match self {
            Self::Event | Self::Level => Scalar::Text,
            Self::Sample | Self::Vector | Self::TimeSeries => Scalar::F64,
            Self::Condition | Self::Message => Scalar::Json,
        };
        ValueType {
            scalar,
            array: matches!(self, Self::Vector | Self::TimeSeries),
        }
    }

    /// Whether it tells of conditions.
    pub(crate) fn is_condition(self) -> bool {
        matches!(self, Self::Condition | Self::Level)
    }

    /// The value of a text; `None` where it is no such value.
    pub(crate) fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Event => Some(Value::text(text)),
            Self::Sample => number(text).map(Value::F64),
            Self::Vector | Self::TimeSeries => {
                let numbers = text.split_ascii_whitespace().take(NUMBERS_MAX + 1);
                let numbers: Option<Arc<[Value]>> =
                    numbers.map(|text| number(text).map(Value::F64)).collect();
                numbers
                    .filter(|numbers| numbers.len() <= NUMBERS_MAX)
                    .map(Value::Array)
            }
            Self::Condition | Self::Level | Self::Message => None,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// Whether there is no value.
pub(crate) fn is_unavailable(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(UNAVAILABLE)
}

/// The moment of a stamp as ISO 8601 has it.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    // Behind an @ stands for how long it was so.
    let stamp = text.split('@').next().unwrap_or_default().trim();
    let parsed = stamp.parse::<jiff::Timestamp>();
    // Some adapters leave the zone out, and mean UTC as the standard wants it.
    let parsed = parsed.or_else(|_| format!("{stamp}Z").parse());
    parsed
        .ok()
        .map(|at| Timestamp::from_micros(at.as_microsecond()))
}

/// A reading of a value, or of none where it cannot be one.
pub(crate) fn reading(index: usize, value: Option<Value>, at: Option<Timestamp>) -> Reading {
    let reading = match value {
        Some(value) => Reading::good(point(index), value),
        None => Reading::failed(point(index), Reason::BadType),
    };
    Reading {
        source_time: at,
        ..reading
    }
}

/// A reading that says that the machine gives no value.
pub(crate) fn unavailable(index: usize, at: Option<Timestamp>) -> Reading {
    Reading {
        point: point(index),
        value: None,
        quality: Quality::of(Reason::DeviceDown),
        source_time: at,
    }
}

/// The datapoint of a binding.
pub(crate) fn point(index: usize) -> PointId {
    // A configuration has far fewer endpoints than this number can count.
    PointId(u32::try_from(index).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_values_of_their_type() {
        assert_eq!(
            DataType::Sample.value(" -1.5e3 "),
            Some(Value::F64(-1500.0))
        );
        assert_eq!(DataType::Sample.value("fast"), None);
        assert_eq!(DataType::Event.value("1.5"), Some(Value::text("1.5")));
        let three = [1.0, -2.5, 3.0].map(Value::F64);
        assert_eq!(
            DataType::Vector.value("1 -2.5  3"),
            Some(Value::Array(three.into()))
        );
        assert_eq!(DataType::Vector.value("1 x"), None);
        let long = "1 ".repeat(NUMBERS_MAX + 1);
        assert_eq!(DataType::TimeSeries.value(&long), None);
    }

    #[test]
    fn stamps_are_read() {
        let wanted = Some(Timestamp::from_micros(1_772_323_198_250_000));
        assert_eq!(moment("2026-02-28T23:59:58.25Z"), wanted);
        assert_eq!(moment("2026-02-28T23:59:58.250000Z@100.0"), wanted);
        assert_eq!(moment("2026-02-28T23:59:58.25"), wanted);
        assert_eq!(moment("2026-03-01T00:59:58.25+01:00"), wanted);
        assert_eq!(moment("12345"), None);
        assert_eq!(moment(""), None);
    }
}
