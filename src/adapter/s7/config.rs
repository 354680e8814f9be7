//! The options of a connection and of an endpoint, named as Connectware names them.

use std::time::Duration;

use mainstem_adapter::ConnectionStrategy;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_type::DataType;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or IP address of the CPU or its communication processor.
    #[schemars(length(min = 1, max = 253))]
    pub(crate) host: String,
    /// TCP port.
    #[serde(default = "port_default")]
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// The rack of the CPU.
    #[serde(default)]
    #[schemars(range(min = 0, max = 7))]
    pub(crate) rack: u8,
    /// The slot of the CPU: 2 for S7-300, 1 for S7-1200 and S7-1500, as configured for S7-400.
    #[serde(default = "slot_default")]
    #[schemars(range(min = 0, max = 31))]
    pub(crate) slot: u8,
    /// As what this node introduces itself; each CPU has so many connections of each kind.
    #[serde(default)]
    pub(crate) connection_type: ConnectionType,
    /// This node's access point, four hexadecimal digits.
    #[serde(rename = "localTSAP", default = "local_tsap_default")]
    #[schemars(with = "String")]
    pub(crate) local_tsap: Tsap,
    /// The CPU's access point, four hexadecimal digits, instead of rack, slot and type.
    #[serde(rename = "remoteTSAP")]
    #[schemars(with = "Option<String>")]
    pub(crate) remote_tsap: Option<Tsap>,
    /// Milliseconds that opening the connection may take, all steps together.
    #[serde(default = "connection_timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) connection_timeout: u64,
    /// Milliseconds that an answer may take.
    #[serde(default = "operation_timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) operation_timeout: u64,
    /// The longest PDU to ask for; the CPU may grant less.
    #[serde(default = "pdu_default")]
    #[schemars(range(min = 240, max = 960))]
    pub(crate) pdu_size: u16,
    /// Bytes that nobody asked for and that may be read to save an item.
    #[serde(default = "gap_default")]
    #[schemars(range(min = 0, max = 200))]
    pub(crate) max_gap: u32,
    /// Whether a written datapoint that can be read is read back at once.
    #[serde(default = "yes")]
    pub(crate) read_back: bool,
    /// Back-off between connection attempts; the runner obeys it, it is only checked here.
    pub(crate) connection_strategy: Option<ConnectionStrategy>,
}

/// As what a client introduces itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum ConnectionType {
    /// A programming device.
    #[default]
    Pg,
    /// An operator panel.
    Op,
    /// Anything else.
    Basic,
}

/// A transport service access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Tsap(pub(crate) u16);

impl TryFrom<String> for Tsap {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.trim_start_matches("0x").replace('.', "");
        let number = u16::from_str_radix(&digits, 16).ok();
        let number = number.filter(|_| digits.len() == 4);
        number
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no TSAP: four hexadecimal digits"))
    }
}

/// The content of `subscribe:`, `read:` or `write:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The absolute address: `DB1.DBX0.0`, `DB1.DBD4`, `MW10`, `IB0`, `EB0`, `T5`, `DB1,REAL4`.
    #[schemars(length(min = 2, max = 64))]
    pub(crate) address: String,
    /// The data type, where the address does not tell it: `int`, `real`, `string`, `dtl`, …
    #[schemars(with = "Option<String>")]
    pub(crate) data_type: Option<DataType>,
    /// Characters of a string, bytes of `raw`, elements of an array.
    #[schemars(range(min = 1, max = 16382))]
    pub(crate) length: Option<u16>,
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

    /// The CPU's access point.
    pub(crate) fn remote(&self) -> u16 {
        let kind = match self.connection_type {
            ConnectionType::Pg => 1,
            ConnectionType::Op => 2,
            ConnectionType::Basic => 3,
        };
        let place = u16::from(self.rack) * 0x20 + u16::from(self.slot);
        self.remote_tsap.map_or(kind << 8 | place, |tsap| tsap.0)
    }
}

fn port_default() -> u16 {
    102
}

fn slot_default() -> u8 {
    2
}

fn local_tsap_default() -> Tsap {
    Tsap(0x0100)
}

fn connection_timeout_default() -> u64 {
    5000
}

fn operation_timeout_default() -> u64 {
    3000
}

fn pdu_default() -> u16 {
    crate::frame::PDU_MAX
}

fn gap_default() -> u32 {
    32
}

fn yes() -> bool {
    true
}
