//! The options of a connection and of an endpoint, named as Connectware names them; `indexGroup`,
//! `indexOffset`, `length`, `batchReadEnabled`, `readBack` and `connectionTimeout` are ours.

use std::time::Duration;

use mainstem_adapter::ConnectionStrategy;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_type::DataType;
use crate::net_id::{AmsAddress, NetId};

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or IP address of the TwinCAT machine.
    #[schemars(length(min = 1, max = 253))]
    pub(crate) host: String,
    /// TCP port of its router.
    #[serde(default = "router_port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) router_tcp_port: u16,
    /// AMS Net Id of the TwinCAT machine, as its router shows it.
    #[schemars(with = "String")]
    pub(crate) net_id: NetId,
    /// AMS port: 851 for the first PLC of TwinCAT 3, 801 of TwinCAT 2.
    #[serde(default = "port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// AMS Net Id of this machine, as the route in the router names it; by default its IPv4
    /// address with `.1.1`.
    #[schemars(with = "Option<String>")]
    pub(crate) local_address: Option<NetId>,
    /// AMS port of this connection.
    #[serde(default = "local_port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) local_port: u16,
    /// Milliseconds that opening the connection may take, all steps together.
    #[serde(default = "connection_timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) connection_timeout: u64,
    /// Milliseconds that an answer may take.
    #[serde(default = "timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) timeout_delay: u64,
    /// Whether the PLC is asked for its state when nothing else was heard.
    #[serde(default = "yes")]
    pub(crate) connection_check_enabled: bool,
    /// Milliseconds of silence before it is asked.
    #[serde(default = "check_default")]
    #[schemars(range(min = 100, max = 600000))]
    pub(crate) connection_check_interval: u64,
    /// Accepted and without effect: a PLC that leaves one question open is given up.
    #[serde(default = "down_default", rename = "connectionDownDelay")]
    #[schemars(range(min = 100, max = 600000))]
    pub(crate) _connection_down_delay: u64,
    /// Whether several variables share a request.
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
    /// The variable: `MAIN.fSpeed`, `GVL.aLevels[3]`, `MAIN.stRecipe.sName`.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) symbol_name: Option<String>,
    /// The index group, instead of a symbol: a number, or a text as `0x4020`.
    #[schemars(with = "Option<serde_json::Value>")]
    pub(crate) index_group: Option<Index>,
    /// The index offset in that group.
    #[schemars(with = "Option<serde_json::Value>")]
    pub(crate) index_offset: Option<Index>,
    /// The type: BOOL, INT, DINT, REAL, LREAL, STRING, …, or `int16`, `real32`, ….
    #[schemars(with = "Option<String>")]
    pub(crate) data_type: Option<DataType>,
    /// Elements of an array, characters of a text, bytes of `raw`.
    #[schemars(range(min = 1, max = 65536))]
    pub(crate) length: Option<u32>,
    /// Milliseconds between two polls.
    #[schemars(range(min = 10, max = 86400000))]
    pub(crate) interval: Option<u64>,
}

/// A number, also in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Index(pub(crate) u32);

impl TryFrom<serde_json::Value> for Index {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let number = value.as_u64().or_else(|| {
            let text = value.as_str()?;
            match text.strip_prefix("0x").or_else(|| text.strip_prefix("16#")) {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            }
        });
        let number = number.and_then(|number| u32::try_from(number).ok());
        number
            .map(Self)
            .ok_or_else(|| format!("{value} is no index: 0 to 4294967295, or as `0x4020`"))
    }
}

impl ConnectionConfig {
    /// How long opening the connection may take.
    pub(crate) fn opening(&self) -> Duration {
        Duration::from_millis(self.connection_timeout)
    }

    /// How long an answer may take.
    pub(crate) fn answering(&self) -> Duration {
        Duration::from_millis(self.timeout_delay)
    }

    /// After how much silence the PLC is asked for its state.
    pub(crate) fn silence(&self) -> Duration {
        match self.connection_check_enabled {
            true => Duration::from_millis(self.connection_check_interval),
            false => Duration::MAX,
        }
    }

    /// The PLC.
    pub(crate) fn target(&self) -> AmsAddress {
        AmsAddress {
            net_id: self.net_id,
            port: self.port,
        }
    }
}

fn router_port_default() -> u16 {
    48_898
}

fn port_default() -> u16 {
    851
}

fn local_port_default() -> u16 {
    32_750
}

fn connection_timeout_default() -> u64 {
    5000
}

fn timeout_default() -> u64 {
    2000
}

fn check_default() -> u64 {
    5000
}

fn down_default() -> u64 {
    25_000
}

fn yes() -> bool {
    true
}
