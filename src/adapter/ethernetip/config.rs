//! The options of a connection and of an endpoint. `host`, `tagName`, `programName` and `tagType`
//! are Connectware's; the others are ours.

use std::time::Duration;

use mainstem_adapter::ConnectionStrategy;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_type::DataType;
use crate::route::Route;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or IP address of the controller or of the Ethernet module in its rack.
    #[schemars(length(min = 1, max = 253))]
    pub(crate) host: String,
    /// TCP port.
    #[serde(default = "port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// The slot of the controller in the rack.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub(crate) slot: u8,
    /// The way to the controller instead of `slot`: `1,0`, `1,4,2,192.168.1.10,1,0`, or `direct`.
    #[schemars(with = "Option<String>")]
    pub(crate) route_path: Option<Route>,
    /// Milliseconds that opening the connection may take, all steps together.
    #[serde(default = "connection_timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) connection_timeout: u64,
    /// Milliseconds that an answer may take.
    #[serde(default = "operation_timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) operation_timeout: u64,
    /// Whether several tags share a request.
    #[serde(default = "yes")]
    pub(crate) batch_read_enabled: bool,
    /// Whether a written datapoint that can be read is read back at once.
    #[serde(default = "yes")]
    pub(crate) read_back: bool,
    /// Back-off between connection attempts; the runner obeys it, it is only checked here.
    pub(crate) connection_strategy: Option<ConnectionStrategy>,
}

/// The content of `subscribe:`, `read:` or `write:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The tag: `Speed`, `Recipe.Temperature`, `Level[3]`, `Status.5`, `Program:Main.Count`.
    #[schemars(length(min = 1, max = 160))]
    pub(crate) tag_name: String,
    /// The program that the tag belongs to; null or `Null` for the controller's own tags.
    #[schemars(length(min = 1, max = 40))]
    pub(crate) program_name: Option<String>,
    /// The tag's type: BOOL, SINT, INT, DINT, LINT, USINT, …, REAL, LREAL, STRING.
    #[schemars(with = "Option<String>")]
    pub(crate) tag_type: Option<DataType>,
    /// Elements of an array; the longest text of a STRING.
    #[schemars(range(min = 1, max = 8192))]
    pub(crate) length: Option<u16>,
    /// Whether `tagName` names an element of an array of BOOL, which controllers keep in words.
    #[serde(default)]
    pub(crate) packed: bool,
    /// Milliseconds between two polls.
    #[schemars(range(min = 10, max = 86400000))]
    pub(crate) interval: Option<u64>,
}

impl ConnectionConfig {
    /// How long opening the connection may take.
    pub(crate) fn opening(&self) -> Duration {
        Duration::from_millis(self.connection_timeout)
    }

    /// How long an answer may take.
    pub(crate) fn answering(&self) -> Duration {
        Duration::from_millis(self.operation_timeout)
    }

    /// The way to the controller behind the address; empty if it is what listens there.
    pub(crate) fn route(&self) -> Route {
        let own = self.route_path.clone();
        own.unwrap_or_else(|| Route::slot(self.slot))
    }
}

fn port_default() -> u16 {
    44_818
}

fn connection_timeout_default() -> u64 {
    5000
}

fn operation_timeout_default() -> u64 {
    3000
}

fn yes() -> bool {
    true
}
