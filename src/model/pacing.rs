//! How much a reader wants to be told: what is too small a change, how often at the most, and how
//! often at least.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Value;

/// The shortest interval of either kind.
pub const PACE_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// The longest interval of either kind.
pub const PACE_INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);

/// The change of a number below which a reader need not be told.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(try_from = "DeadbandText")]
pub enum Deadband {
    /// In the unit of the datapoint: `0.5`.
    Absolute(f64),
    /// In percent of the last told value: `1%`.
    Relative(f64),
}

/// A text that is no deadband.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a deadband such as 0.5, or 1% of the last told value (at most 100%), found {0:?}"
)]
pub struct DeadbandError(String);

/// As files write it: a number, or a text.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum DeadbandText {
    Number(f64),
    Text(String),
}

/// What a reader asks to be spared. The default spares nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pacing {
    /// Numbers that changed by no more than this are held back.
    pub deadband: Option<Deadband>,
    /// A datapoint is told at most so often; the newest sample wins.
    pub min_interval: Option<Duration>,
    /// A datapoint is told at least so often, whatever it does.
    pub max_interval: Option<Duration>,
}

/// Why a pacing cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacingError {
    /// An interval out of range.
    #[error("{0} is 10 ms to 24 h")]
    Interval(&'static str),
    /// A datapoint cannot be told more often than it may be.
    #[error("max_interval is longer than min_interval")]
    Order,
}

impl Deadband {
    /// Whether a value is so near to the one that was told that it need not be told.
    pub fn holds(self, told: &Value, value: &Value) -> bool {
        let (Some(from), Some(to)) = (number(told), number(value)) else {
            return false;
        };
        // Infinities and NaN have no distance, but may be the same again.
        if told == value {
            return true;
        }
        // Large integers differ by less than a float can tell apart.
        let distance = match (told.as_integer(), value.as_integer()) {
            #[expect(clippy::cast_precision_loss, reason = "a distance, not a place")]
            (Some(from), Some(to)) => (to - from).unsigned_abs() as f64,
            _ => (to - from).abs(),
        };
        let band = match self {
            Self::Absolute(band) => band,
            Self::Relative(percent) => from.abs() * percent / 100.0,
        };
        distance.is_finite() && distance <= band
    }
}

/// A number of a numeric type; a bool is none.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(_) => None,
        value => value.as_f64(),
    }
}

impl Pacing {
    /// Whether nothing is asked for.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the intervals.
    pub fn check(&self) -> Result<(), PacingError> {
        let fits = |interval: Option<Duration>| {
            interval.is_none_or(|i| (PACE_INTERVAL_MIN..=PACE_INTERVAL_MAX).contains(&i))
        };
        if !fits(self.min_interval) {
            return Err(PacingError::Interval("min_interval"));
        }
        if !fits(self.max_interval) {
            return Err(PacingError::Interval("max_interval"));
        }
        match (self.min_interval, self.max_interval) {
            (Some(least), Some(most)) if most <= least => Err(PacingError::Order),
            _ => Ok(()),
        }
    }
}

impl FromStr for Deadband {
    type Err = DeadbandError;

    fn from_str(text: &str) -> Result<Self, DeadbandError> {
        let wrong = || DeadbandError(text.chars().take(64).collect());
        let (digits, is_part) = match text.trim().strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (text.trim(), false),
        };
        let is_plain = |c: char| c.is_ascii_digit() || c == '.';
        if !digits.chars().all(is_plain) {
            return Err(wrong());
        }
        let number: f64 = digits.parse().map_err(|_| wrong())?;
        let most = if is_part { 100.0 } else { f64::MAX };
        if !(0.0..=most).contains(&number) {
            return Err(wrong());
        }
        Ok(if is_part {
            Self::Relative(number)
        } else {
            Self::Absolute(number)
        })
    }
}

impl fmt::Display for Deadband {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(band) => write!(f, "{band}"),
            Self::Relative(percent) => write!(f, "{percent}%"),
        }
    }
}

impl TryFrom<DeadbandText> for Deadband {
    type Error = DeadbandError;

    fn try_from(text: DeadbandText) -> Result<Self, DeadbandError> {
        match text {
            DeadbandText::Number(number) => number.to_string().parse(),
            DeadbandText::Text(text) => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "the cases read better so")]
    fn holds(band: &str, told: Value, value: Value) -> bool {
        band.parse::<Deadband>().unwrap().holds(&told, &value)
    }

    #[test]
    fn a_deadband_is_a_distance_or_a_part() {
        let float = Value::F64;
        assert!(holds("0.5", float(20.0), float(20.5)) && holds("0.5", float(20.0), float(19.5)));
        assert!(!holds("0.5", float(20.0), float(20.51)));
        assert!(holds("1%", float(-200.0), float(-202.0)));
        assert!(!holds("1 %", float(-200.0), float(-202.1)));
        // A part of nothing is nothing.
        assert!(holds("10%", float(0.0), float(0.0)) && !holds("10%", float(0.0), float(1e-9)));
    }

    #[test]
    fn only_numbers_are_near_to_each_other() {
        let big = i64::MAX - 1;
        assert!(holds("1", Value::Int(big), Value::Int(i64::MAX)));
        assert!(!holds("0.5", Value::Int(big), Value::Int(i64::MAX)));
        assert!(!holds("9", Value::Bool(false), Value::Bool(true)));
        assert!(!holds("9", Value::text("1"), Value::text("1")));
        let (nan, inf) = (Value::F64(f64::NAN), Value::F64(f64::INFINITY));
        assert!(holds("9", nan.clone(), nan.clone()) && holds("9", inf.clone(), inf.clone()));
        assert!(!holds("9", nan.clone(), Value::F64(1.0)) && !holds("9", Value::F64(1.0), nan));
        assert!(!holds("100%", inf, Value::F64(1.0)));
    }

    #[test]
    fn texts_and_intervals_are_checked() {
        for bad in ["", "-1", "+1", "1e3", "101%", "NaN", "inf", "1%%", "a", "%"] {
            assert!(bad.parse::<Deadband>().is_err(), "{bad}");
        }
        for text in ["0.5", "1%", "0", "100%", "2.5%"] {
            assert_eq!(text.parse::<Deadband>().unwrap().to_string(), text);
        }
        let pacing = |least: u64, most: u64| Pacing {
            min_interval: Some(Duration::from_millis(least)),
            max_interval: Some(Duration::from_millis(most)),
            ..Pacing::default()
        };
        assert_eq!(pacing(10, 20).check(), Ok(()));
        assert_eq!(pacing(20, 20).check(), Err(PacingError::Order));
        assert_eq!(
            pacing(9, 20).check(),
            Err(PacingError::Interval("min_interval"))
        );
        let long = pacing(10, 86_400_001).check();
        assert_eq!(long, Err(PacingError::Interval("max_interval")));
    }
}
