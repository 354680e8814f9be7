//! The options of a connection and of an endpoint.

use std::time::Duration;

use mainstem_adapter::{ConnectionStrategy, TlsSection};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shape::DataType;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or IP address of the agent.
    #[schemars(length(min = 1, max = 253))]
    pub(crate) host: String,
    /// TCP port.
    #[serde(default = "port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// What stands before the agent's own paths.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub(crate) prefix: String,
    /// TLS to the agent: whom to believe, and who this node is. Without it plain HTTP is spoken.
    pub(crate) tls: Option<TlsSection>,
    /// The name or the uuid of the one device to read; all of the agent's without it.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) device: Option<String>,
    /// Milliseconds for an answer.
    #[serde(default = "timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) timeout: u64,
    /// Milliseconds in which the agent gathers observations before it sends them.
    #[serde(default = "interval_default")]
    #[schemars(range(min = 10, max = 60000))]
    pub(crate) interval: u64,
    /// Milliseconds after which the agent gives a sign of life when nothing happens.
    #[serde(default = "heartbeat_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) heartbeat: u64,
    /// Observations that the agent sends at once.
    #[serde(default = "count_default")]
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) count: u32,
    /// Back-off between attempts; the runner obeys it, it is only checked here.
    pub(crate) connection_strategy: Option<ConnectionStrategy>,
}

/// The content of `subscribe:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The id of the data item, or its name.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) key: String,
    /// What it is: event, sample, vector, time-series, condition, level or message.
    pub(crate) data_type: Option<DataType>,
}

impl ConnectionConfig {
    /// How long an answer may take.
    pub(crate) fn answering(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    /// How long the stream may be silent.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(self.heartbeat.max(self.interval)) * 2
    }
}

fn port_default() -> u16 {
    5000
}

fn timeout_default() -> u64 {
    10_000
}

fn interval_default() -> u64 {
    500
}

fn heartbeat_default() -> u64 {
    10_000
}

fn count_default() -> u32 {
    1_000
}
