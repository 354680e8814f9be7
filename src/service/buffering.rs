//! What is kept while the target of messages is away.

use std::time::Duration;

use mainstem_model::quantity;

/// What is kept while the target of a resource's messages is away: in memory, until a restart.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct InputBuffering {
    /// Whether anything is kept; what cannot be delivered at once is dropped and counted otherwise.
    pub enabled: bool,
    /// Whether messages are delivered one after the other, in the order in which they came.
    pub keep_order: bool,
    /// How many messages are kept at most; the oldest go first.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_buffer_size: u32,
    /// How many messages may be on their way at the same time, where the order is not kept.
    #[schemars(range(min = 1, max = 1000))]
    pub max_inflight_messages: u32,
    /// How long one message is kept at most.
    #[serde(deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "10ms", "max": "24h", "number": "milliseconds"}
    ))]
    pub wait_time_on_endpoint_lost: Duration,
}

impl Default for InputBuffering {
    fn default() -> Self {
        Self {
            enabled: false,
            keep_order: true,
            max_buffer_size: 1000,
            max_inflight_messages: 32,
            wait_time_on_endpoint_lost: Duration::from_secs(60),
        }
    }
}
