//! The section `policies:` of the node file.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use mainstem_model::quantity::{self, parse_duration};
use mainstem_model::{GlobSet, Name};
use serde::{Deserialize, Deserializer};

use super::{PULSE_MAX, PULSE_MIN, WindowConfig};

/// One policy: for which datapoints, and what a write of them has to keep. The first policy of the
/// list whose patterns fit counts.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// What a refusal calls it; by default its place in the list.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,
    /// The datapoints that it is for: patterns in order, `!` leaves out.
    #[serde(rename = "match")]
    #[schemars(with = "Vec<String>", length(min = 1), extend(
        "items" = {"type": "string", "format": "glob"}
    ))]
    pub matches: GlobSet,
    /// The values that may be written.
    #[serde(default)]
    pub range: Option<RangeConfig>,
    /// How often one datapoint may be written.
    #[serde(default)]
    pub rate: Option<RateConfig>,
    /// When it may be written.
    #[serde(default)]
    pub window: Option<WindowConfig>,
    /// Another datapoint that has to be good and as said.
    #[serde(default)]
    pub interlock: Option<InterlockConfig>,
    /// Whether pulses may be asked for: `allowed`, or the longest; not at all by default.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "pulse"))]
    pub pulse: Option<PulseRule>,
}

/// The values that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeConfig {
    /// The smallest.
    #[serde(default)]
    pub min: Option<f64>,
    /// The largest.
    #[serde(default)]
    pub max: Option<f64>,
}

/// How often one datapoint may be written, whoever writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateConfig {
    /// Writes at the most.
    #[schemars(range(min = 1, max = 1000))]
    pub writes: u32,
    /// Within any time of this length.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "100ms", "max": "24h"}))]
    pub per: Duration,
}

/// Another datapoint of this node on which a write hangs. Its quality has to be good.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterlockConfig {
    /// Its name at this node.
    #[schemars(with = "String", extend("format" = "name"))]
    pub datapoint: Name,
    /// The value that it must have: true, false, a number or a text. This, or `min` and `max`.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("type" = ["string", "number", "boolean"]))]
    pub is: Option<Expected>,
    /// The smallest value that it may have.
    #[serde(default)]
    pub min: Option<f64>,
    /// The largest value that it may have.
    #[serde(default)]
    pub max: Option<f64>,
}

/// The one value that an interlock wants.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    /// On or off.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Whether writes may ask for a pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PulseRule {
    /// Of any length.
    Allowed,
    /// Up to a length.
    AtMost(Duration),
}

impl PulseRule {
    /// The longest pulse.
    pub fn longest(self) -> Duration {
        match self {
            Self::Allowed => PULSE_MAX,
            Self::AtMost(longest) => longest,
        }
    }
}

impl FromStr for PulseRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "allowed" {
            return Ok(Self::Allowed);
        }
        let wrong = || "expected `allowed` or a duration of 10 ms to 10 min".to_owned();
        let longest = parse_duration(text).map_err(|_| wrong())?;
        let fits = (PULSE_MIN..=PULSE_MAX).contains(&longest);
        fits.then_some(Self::AtMost(longest)).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for PulseRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What is wrong with a policy beyond its form: where in it, what, and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The pointer within the policy.
    pub pointer: &'static str,
    /// What is wrong.
    pub message: &'static str,
    /// What was expected.
    pub expected: &'static str,
}

impl PolicyConfig {
    /// What a policy contradicts itself in.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let mut fault = |is_wrong: bool, pointer, message, expected| {
            if is_wrong {
                faults.push(ConfigFault {
                    pointer,
                    message,
                    expected,
                });
            }
        };
        if let Some(range) = &self.range {
            let empty = is_empty(range.min, range.max);
            fault(empty, "/range", NOTHING_FITS, "a `min` not above `max`");
        }
        if let Some(window) = &self.window {
            let expected = "a `to` other than `from`; leave both out for the whole day";
            fault(window.from == window.to, "/window", NOTHING_FITS, expected);
        }
        if let Some(lock) = &self.interlock {
            let ranged = lock.min.is_some() || lock.max.is_some();
            let message = "an interlock wants one value or a range";
            let one_of = "either `is`, or `min` and `max` or one of them";
            fault(ranged == lock.is.is_some(), "/interlock", message, one_of);
            let empty = is_empty(lock.min, lock.max);
            fault(empty, "/interlock", NOTHING_FITS, "a `min` not above `max`");
        }
        faults
    }

    /// What a refusal calls it.
    pub(super) fn label(&self, index: usize) -> String {
        match &self.name {
            Some(name) => format!("policy {name:?}"),
            None => format!("policy {}", index + 1),
        }
    }
}

const NOTHING_FITS: &str = "nothing can fit this";

fn is_empty(min: Option<f64>, max: Option<f64>) -> bool {
    min.zip(max).is_some_and(|(min, max)| min > max)
}
