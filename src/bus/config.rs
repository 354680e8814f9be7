//! The section `bus:` of the node file.

mod datapoints;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_model::{Secret, quantity};
use serde::Deserialize;

use crate::embedded::{Limits, Transport};
use crate::external::Version;
pub use datapoints::{DatapointsConfig, ROOT_BYTES_MAX};

/// Listeners of an embedded broker.
pub const LISTENERS_MAX: usize = 16;

/// Where messages go by topic: a broker in this process, or a foreign one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// The broker in this process, unless there is `external`.
    pub embedded: Option<EmbeddedConfig>,
    /// A foreign broker, in place of `embedded`.
    pub external: Option<ExternalConfig>,
    /// The node's datapoints on it; none unless this is there.
    pub datapoints: Option<DatapointsConfig>,
}

/// The broker in this process.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddedConfig {
    /// Where clients come in; nowhere by default.
    #[schemars(length(max = 16))]
    pub listen: Vec<InletConfig>,
    /// Clients connected at the same time.
    #[schemars(range(min = 1, max = 65536))]
    pub clients: usize,
    /// Sessions, of clients that are connected and of those that are expected back.
    #[schemars(range(min = 1, max = 100000))]
    pub sessions: usize,
    /// The longest packet.
    #[serde(deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "16 KiB", "max": "16 MiB"}
    ))]
    pub packet_bytes: u64,
    /// Retained messages.
    #[schemars(range(min = 1, max = 1000000))]
    pub retained_messages: usize,
    /// Bytes of their topics and payloads.
    #[serde(deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "64 KiB", "max": "4 GiB"}
    ))]
    pub retained_bytes: u64,
    /// Bytes that wait for one client that is away or slow; beyond them the oldest goes.
    #[serde(deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "64 KiB", "max": "1 GiB"}
    ))]
    pub queue_bytes: u64,
}

/// Where clients come in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InletConfig {
    /// IP address and port; `0.0.0.0` and `[::]` are all addresses, port 0 is any free one.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub address: SocketAddr,
    /// What carries the packets.
    #[serde(default)]
    pub transport: TransportConfig,
    /// The path of a WebSocket.
    #[serde(default = "default_path")]
    #[schemars(length(min = 1, max = 256))]
    pub path: String,
    /// TLS with the node's own certificate. Without it tokens travel in clear text.
    #[serde(default = "yes")]
    pub tls: bool,
}

/// What carries the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportConfig {
    /// TCP.
    #[default]
    Tcp,
    /// WebSocket.
    WebSocket,
}

/// A foreign broker.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalConfig {
    /// Its host name or address.
    #[schemars(extend("format" = "host"))]
    pub host: String,
    /// Its port; 8883 with TLS and 1883 without unless given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Whether the connection is encrypted. Then `ca` or `pin` says who the broker is.
    #[serde(default = "yes")]
    pub tls: bool,
    /// The certificate authority of the broker: a PEM file.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub ca: Option<PathBuf>,
    /// The fingerprint of the broker's key, which decides where `ca` is given too.
    #[serde(default)]
    #[schemars(extend("format" = "fingerprint"))]
    pub pin: Option<String>,
    /// The certificate by which the broker knows this node: a PEM file, with `key`.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub certificate: Option<PathBuf>,
    /// The key of `certificate`: a PEM file.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub key: Option<PathBuf>,
    /// The user, with `password`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub user: Option<String>,
    /// The password: a reference to a secret.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub password: Option<Secret>,
    /// The client id; `mainstem-` and the node's UUID unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub client_id: Option<String>,
    /// The version of MQTT.
    #[serde(default)]
    #[schemars(with = "String", extend("type" = ["string", "number"], "enum" = [5, "3.1.1"]))]
    pub version: VersionConfig,
    /// How often the connection shows that it is alive.
    #[serde(
        default = "default_keep_alive",
        deserialize_with = "quantity::duration"
    )]
    #[schemars(with = "String", extend("duration" = {"min": "5s", "max": "10 min"}))]
    pub keep_alive: Duration,
    /// How long the broker keeps what comes while the connection is lost.
    #[serde(default = "default_session", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "1s", "max": "720h"}))]
    pub session: Duration,
    /// The longest message.
    #[serde(default = "default_packet_bytes", deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "16 KiB", "max": "16 MiB"}
    ))]
    pub packet_bytes: u64,
}

/// A version of MQTT, as a number or a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionConfig(pub Version);

impl Default for VersionConfig {
    fn default() -> Self {
        Self(Version::Five)
    }
}

impl<'de> Deserialize<'de> for VersionConfig {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u8),
            Text(String),
        }
        match Written::deserialize(input)? {
            Written::Number(5) => Ok(Self(Version::Five)),
            Written::Text(text) if text == "3.1.1" => Ok(Self(Version::Three)),
            _ => Err(serde::de::Error::custom("expected 5 or 3.1.1")),
        }
    }
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: Vec::new(),
            clients: limits.clients,
            sessions: limits.sessions,
            packet_bytes: limits.packet_bytes as u64,
            retained_messages: limits.retained_messages,
            retained_bytes: limits.retained_bytes as u64,
            queue_bytes: limits.queue_bytes as u64,
        }
    }
}

impl EmbeddedConfig {
    /// What the broker costs at most.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        Limits {
            clients: self.clients,
            sessions: self.sessions,
            packet_bytes: bytes(self.packet_bytes),
            retained_messages: self.retained_messages,
            retained_bytes: bytes(self.retained_bytes),
            queue_bytes: bytes(self.queue_bytes),
        }
    }
}

impl From<TransportConfig> for Transport {
    fn from(transport: TransportConfig) -> Self {
        match transport {
            TransportConfig::Tcp => Self::Tcp,
            TransportConfig::WebSocket => Self::WebSocket,
        }
    }
}

fn default_path() -> String {
    "/mqtt".to_owned()
}

fn yes() -> bool {
    true
}

fn default_keep_alive() -> Duration {
    Duration::from_secs(10)
}

fn default_session() -> Duration {
    Duration::from_secs(3600)
}

fn default_packet_bytes() -> u64 {
    1 << 20
}
