//! What `connection:` and an endpoint's `subscribe:` or `write:` may say.

use std::time::Duration;

use mainstem_adapter::POLL_INTERVAL_MIN;
use schemars::JsonSchema;
use serde::Deserialize;

/// Names in one list of states.
pub(crate) const STATES_MAX: usize = 256;

/// The content of `connection:`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connection {
    /// Where chance begins: the same seed gives the same walk.
    pub seed: u64,
    /// How often endpoints without an interval of their own get a value, in milliseconds.
    pub interval_ms: u64,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            seed: 0,
            interval_ms: 1000,
        }
    }
}

impl Connection {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms).max(POLL_INTERVAL_MIN)
    }
}

/// What one endpoint shows.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "signal", rename_all = "lowercase", deny_unknown_fields)]
pub enum Operation {
    /// A sine between two values.
    Sine(Wave),
    /// Up and down in straight lines.
    Triangle(Wave),
    /// The greater value for half a period, the lesser for the other half.
    Square(Wave),
    /// Up in a straight line, then back to the lesser value at once.
    Ramp(Wave),
    /// A whole number that grows with every interval.
    Counter {
        /// By how much.
        #[serde(default = "one")]
        step: u64,
    },
    /// A random walk between two values.
    Walk {
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
        /// The longest step of one interval.
        step: f64,
    },
    /// Words, one after the other, round and round.
    States {
        /// The words.
        states: Vec<String>,
        /// How long each of them stays, in seconds.
        dwell_s: f64,
    },
    /// Always the same value: a boolean, a number or a text.
    Constant {
        /// The value.
        value: serde_json::Value,
    },
    /// A number that keeps what is written to it.
    Setpoint {
        /// The value before the first write.
        #[serde(default)]
        initial: f64,
    },
    /// A number that goes after another endpoint's, as a temperature goes after its setpoint.
    Follow {
        /// The other endpoint's name.
        of: String,
        /// After this many seconds it has gone two thirds of the way.
        lag_s: f64,
    },
}

/// Two values and the time for there and back.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The length of one period, in seconds.
    pub period_s: f64,
}

fn one() -> u64 {
    1
}
