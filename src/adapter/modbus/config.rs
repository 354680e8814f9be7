//! The options of a connection and of an endpoint, named as Connectware names them.

use std::time::Duration;

use mainstem_adapter::{ConnectionStrategy, TlsSection};
use mainstem_registers::{DataType, Endian, ShortType};
use schemars::JsonSchema;
use serde::Deserialize;

/// The registered ports of Modbus TCP and Modbus/TCP Security.
const PORT: u16 = 502;
const PORT_TLS: u16 = 802;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// How the device is reached: `tcp`, `tls` (Modbus/TCP Security), `rtuOverTcp` (serial frames
    /// through a converter) or `rtu` (a serial port of this machine).
    #[serde(default)]
    pub(crate) transport: Transport,
    /// Name or IP address of the device or gateway.
    #[serde(default)]
    #[schemars(length(min = 1, max = 253))]
    pub(crate) host: String,
    /// TCP port of the device; 502, and 802 with TLS, unless given.
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: Option<u16>,
    /// Whom to believe, and who this node is; with `tls`.
    pub(crate) tls: Option<TlsSection>,
    /// The serial port; with `rtu`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub(crate) device: String,
    /// Bits a second on the serial line.
    #[serde(default = "baud_rate_default")]
    #[schemars(range(min = 300, max = 4000000))]
    pub(crate) baud_rate: u32,
    /// The parity on the serial line.
    #[serde(default)]
    pub(crate) parity: Parity,
    /// Stop bits on the serial line; 2 where there is no parity bit, says the standard.
    #[serde(default = "stop_bits_default")]
    #[schemars(range(min = 1, max = 2))]
    pub(crate) stop_bits: u8,
    /// Milliseconds between an answer and the next request, for devices that need a rest; on a
    /// serial line at least three and a half characters.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10000))]
    pub(crate) request_gap: u64,
    /// How often a read that nobody answered is sent again before it counts as unanswered.
    #[serde(default)]
    #[schemars(range(min = 0, max = 5))]
    pub(crate) retries: u8,
    /// Connections to the device or gateway, with its units spread over them; never more than it
    /// has units.
    #[serde(default = "connections_default")]
    #[schemars(range(min = 1, max = 8))]
    pub(crate) max_connections: u8,
    /// Unit that endpoints without a `unitId` of their own speak to.
    #[serde(default = "unit_default")]
    #[schemars(range(min = 0, max = 255))]
    pub(crate) unit_id: u8,
    /// Milliseconds that a connection attempt or an answer may take.
    #[serde(default = "timeout_default")]
    #[schemars(range(min = 100, max = 60000))]
    pub(crate) socket_timeout: u64,
    /// Whether neighbouring addresses are read in one request.
    #[serde(default = "batch_default")]
    pub(crate) batch_read_enabled: bool,
    /// Registers in one request; sixteen times as many bits.
    #[serde(default = "batch_size_default")]
    #[schemars(range(min = 1, max = 125))]
    pub(crate) max_batch_size: u16,
    /// Registers that nobody asked for and that may be read to save a request; sixteen times as
    /// many bits.
    #[serde(default = "gap_default")]
    #[schemars(range(min = 0, max = 124))]
    pub(crate) max_gap: u16,
    /// Whether a written datapoint that can be read is read back at once.
    #[serde(default = "batch_default")]
    pub(crate) read_back: bool,
    /// Back-off between connection attempts; the runner obeys it, it is only checked here.
    pub(crate) connection_strategy: Option<ConnectionStrategy>,
}

/// How a device is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(crate) enum Transport {
    /// Modbus TCP.
    #[default]
    Tcp,
    /// Modbus/TCP Security.
    Tls,
    /// Serial frames over TCP.
    RtuOverTcp,
    /// A serial port.
    Rtu,
}

/// The parity bit of each character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Parity {
    /// None.
    None,
    /// Even, the standard's own default.
    #[default]
    Even,
    /// Odd.
    Odd,
}

/// The content of `subscribe:`, `read:` or `write:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointConfig {
    /// Unit behind the gateway; the connection's if absent.
    #[serde(rename = "unitId")]
    #[schemars(range(min = 0, max = 255))]
    pub(crate) unit_id: Option<u8>,
    /// Function code: one of 1 2 3 4 to read, 5 6 15 16 to write only.
    pub(crate) fc: u8,
    /// Address as it stands in the request, counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(crate) address: u16,
    /// Number of registers (function codes 3, 4, 6, 16) or bits (1, 2, 5, 15).
    #[schemars(range(min = 1, max = 2000))]
    pub(crate) length: Option<u16>,
    /// How the registers are read, in Connectware's words.
    #[serde(rename = "dataType")]
    pub(crate) data_type: Option<DataType>,
    /// How the registers are read, in short: bool i16 u16 i32 u32 i64 u64 f32 f64 text bytes.
    #[serde(rename = "type")]
    pub(crate) short_type: Option<ShortType>,
    /// Which register of several holds the most significant word; big: the first.
    pub(crate) word_order: Option<Endian>,
    /// Which byte of a register is the more significant one; big: the first.
    pub(crate) byte_order: Option<Endian>,
    /// One bit of a register, 0 the least significant.
    #[schemars(range(min = 0, max = 15))]
    pub(crate) bit: Option<u8>,
    /// Whether it is read by a request of its own, whatever stands beside it: for registers that
    /// do something when they are read.
    #[serde(rename = "noMerge", default)]
    pub(crate) no_merge: bool,
    /// Milliseconds between two polls.
    #[schemars(range(min = 10, max = 86400000))]
    pub(crate) interval: Option<u64>,
}

impl ConnectionConfig {
    /// The TCP port.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.transport {
            Transport::Tls => PORT_TLS,
            _ => PORT,
        })
    }

    /// How long a connection attempt or an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.socket_timeout)
    }
}

fn baud_rate_default() -> u32 {
    19_200
}

fn stop_bits_default() -> u8 {
    1
}

fn connections_default() -> u8 {
    1
}

fn unit_default() -> u8 {
    1
}

fn timeout_default() -> u64 {
    3000
}

fn batch_default() -> bool {
    true
}

fn batch_size_default() -> u16 {
    120
}

fn gap_default() -> u16 {
    8
}
