//! What `connection:` and an endpoint's operation may say.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The most words of a command.
pub(crate) const COMMAND_WORDS_MAX: usize = 64;
/// The most variables of the environment that are handed over.
pub(crate) const ENVIRONMENT_MAX: usize = 64;
/// The bounds of every time, in milliseconds.
pub(crate) const TIME_MS: std::ops::RangeInclusive<u64> = 100..=600_000;

/// The content of `connection:`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConnectionConfig {
    /// The program and its arguments. A path with a slash is relative to the folder of the node
    /// file; a bare word is looked for on the `PATH`. No shell is involved.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub command: Vec<String>,
    /// The program runs elsewhere and comes over the API, with a token that provides the name of
    /// this connection; then there is no `command`.
    #[serde(default)]
    pub remote: bool,
    /// What the program is told when it is to connect. Its own schema says what may stand here.
    #[serde(default = "no_config")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub config: Value,
    /// Variables of its environment. Beside them there are a `PATH` of the system's folders and
    /// `LANG`; nothing of this node's own is handed on.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 64))]
    pub environment: BTreeMap<String, String>,
    /// How often polled endpoints without an interval of their own are read, in milliseconds.
    #[serde(default = "default_interval")]
    #[schemars(range(min = 10, max = 86_400_000))]
    pub interval_ms: u64,
    /// How long the program may take to start and say hello, and to connect, in milliseconds.
    #[serde(default = "default_connect_timeout")]
    #[schemars(range(min = 100, max = 600_000))]
    pub connect_timeout_ms: u64,
    /// How long the program may take to answer a read or a write, in milliseconds.
    #[serde(default = "default_answer_timeout")]
    #[schemars(range(min = 100, max = 600_000))]
    pub answer_timeout_ms: u64,
    /// A program from which no line came for this long is ended and started again; it is asked
    /// for a sign of life three times within it, in milliseconds.
    #[serde(default = "default_silence")]
    #[schemars(range(min = 100, max = 600_000))]
    pub silence_ms: u64,
}

/// The operation of an endpoint.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationConfig {
    /// The address in the program's own terms: whatever its schema says.
    pub address: Value,
}

impl ConnectionConfig {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn answer_timeout(&self) -> Duration {
        Duration::from_millis(self.answer_timeout_ms)
    }

    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(self.silence_ms)
    }
}

fn no_config() -> Value {
    Value::Object(serde_json::Map::new())
}

fn default_interval() -> u64 {
    1000
}

fn default_connect_timeout() -> u64 {
    10_000
}

fn default_answer_timeout() -> u64 {
    5000
}

fn default_silence() -> u64 {
    10_000
}
