//! The options of a connection and of an endpoint, named as Connectware names them.

use mainstem_adapter::ConnectionStrategy;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shape::DataType;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or IP address of the adapter.
    #[schemars(length(min = 1, max = 253))]
    pub(crate) host: String,
    /// TCP port.
    #[serde(default = "port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// Milliseconds for connecting, and then for the first line.
    #[serde(default = "timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) timeout: u64,
    /// Milliseconds between signs of life asked for, until the adapter names its own time.
    #[serde(default = "ping_default")]
    #[schemars(range(min = 100, max = 600_000))]
    pub(crate) ping_interval: u64,
    /// Back-off between attempts; the runner obeys it, it is only checked here.
    pub(crate) connection_strategy: Option<ConnectionStrategy>,
}

/// The content of `subscribe:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The key of the data item in the lines of the adapter, with its device before a colon where
    /// one adapter has several.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) key: Option<String>,
    /// Every line as it comes, as a text.
    #[serde(default)]
    pub(crate) raw: bool,
    /// What it is: event, sample, vector, time-series, condition, level or message.
    pub(crate) data_type: Option<DataType>,
}

fn port_default() -> u16 {
    7878
}

fn timeout_default() -> u64 {
    10_000
}

fn ping_default() -> u64 {
    10_000
}
