//! Connectware's back-off, as kinds accept it in `connection:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Problem;

/// Connectware's back-off. The runner obeys it; a kind only checks it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConnectionStrategy {
    /// Milliseconds before the second attempt.
    #[serde(default = "initial_delay_default")]
    pub initial_delay: u64,
    /// Milliseconds at most.
    #[serde(default = "max_delay_default")]
    pub max_delay: u64,
    /// How much longer each wait is than the one before.
    #[serde(default = "increment_default")]
    pub increment_factor: u64,
}

impl ConnectionStrategy {
    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let rows = [
            (
                self.initial_delay < 1000,
                "initialDelay",
                "the first delay is too short",
                "at least 1000 milliseconds",
            ),
            (
                self.max_delay <= self.initial_delay,
                "maxDelay",
                "the longest delay is not longer",
                "more than initialDelay",
            ),
            (
                self.increment_factor < 2,
                "incrementFactor",
                "the delays would not grow",
                "at least 2",
            ),
        ];
        let wrong = rows.into_iter().filter(|(is_wrong, ..)| *is_wrong);
        let problem = |(_, key, message, expected)| {
            let pointer = format!("/connection/connectionStrategy/{key}");
            Problem::new(pointer, message, expected)
        };
        wrong.map(problem).collect()
    }
}

fn initial_delay_default() -> u64 {
    1000
}

fn max_delay_default() -> u64 {
    30_000
}

fn increment_default() -> u64 {
    2
}
