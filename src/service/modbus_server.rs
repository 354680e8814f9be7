//! `Server::Modbus`: registers that other systems read.

use std::net::IpAddr;
use std::time::Duration;

use mainstem_model::quantity;

use crate::TargetState;

/// What a client gets for a datapoint whose quality is not good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NotGood {
    /// The exception 4, ServerDeviceFailure, in place of the whole answer.
    #[default]
    Exception,
    /// The last value; its `status` address says how good it is.
    LastValue,
}

/// What a client gets for an address that no node has, in the middle of those that it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Gaps {
    /// The exception 2, IllegalDataAddress, in place of the whole answer.
    #[default]
    Refuse,
    /// Zeros, as long as one address of those that it reads has a node.
    Zero,
}

/// A Modbus TCP server, as written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModbusServerSection {
    /// The TCP port: 502, and 802 with TLS, unless given.
    #[serde(default)]
    #[schemars(range(max = 65_535))]
    pub port: Option<u16>,
    /// The address of this machine to listen on; that of the HTTPS server unless given.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub address: Option<IpAddr>,
    /// Whether it speaks Modbus/TCP Security, with the certificate of the HTTPS server.
    #[serde(default)]
    pub tls: bool,
    /// The role whose rights every client has: Modbus knows no users.
    #[schemars(length(min = 1, max = 64))]
    pub role: String,
    /// From where clients may come: `*`, IP addresses, networks.
    #[schemars(length(min = 1, max = 64), extend(
        "items" = {"type": "string", "format": "network"}
    ))]
    pub allow: Vec<String>,
    /// What a client gets for a datapoint whose quality is not good.
    #[serde(default)]
    pub not_good: NotGood,
    /// What a client gets for addresses that no node has.
    #[serde(default)]
    pub gaps: Gaps,
    /// Connections at a time.
    #[serde(default = "connections")]
    #[schemars(range(min = 1, max = 256))]
    pub max_connections: u16,
    /// Requests under way at a time, of all clients together; a further one is told to come
    /// again.
    #[serde(default = "requests")]
    #[schemars(range(min = 1, max = 1024))]
    pub max_requests: u16,
    /// After so long without a request a connection is closed.
    #[serde(default = "idle", deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "1s", "max": "24h", "number": "milliseconds"}
    ))]
    pub idle_timeout: Duration,
    /// Whether it is to work.
    #[serde(default)]
    pub target_state: TargetState,
}

fn connections() -> u16 {
    16
}

fn requests() -> u16 {
    32
}

fn idle() -> Duration {
    Duration::from_secs(600)
}

/// A Modbus TCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModbusServer {
    /// Its resource id.
    pub id: String,
    /// Its properties.
    pub section: ModbusServerSection,
}
