//! What `connection:` and an endpoint's operation may say.

use mainstem_adapter::TlsSection;
use schemars::JsonSchema;
use serde::Deserialize;

/// The content of `connection:`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Connection {
    /// The broker's host name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,
    /// Its port; 8883 with TLS and 1883 without unless given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// What carries the packets: `mqtts` and `tls` are TLS, which needs `tls`.
    #[serde(default)]
    pub scheme: Scheme,
    /// Whom to believe at the other end, and who this node is.
    #[serde(default)]
    pub tls: Option<TlsSection>,
    /// The version of MQTT.
    #[serde(default)]
    pub version: Version,
    /// The client id; one of its own for each start unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub client_id: Option<String>,
    /// The user, with `password` where the broker wants one.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub username: Option<String>,
    /// The password.
    #[serde(default)]
    #[schemars(length(min = 1, max = 4096))]
    pub password: Option<String>,
    /// Seconds between two signs of life; a broker that is silent for twice as long is away.
    #[serde(default = "default_keepalive")]
    #[schemars(range(min = 5, max = 3600))]
    pub keepalive: u64,
    /// Whether each session begins anew. With false the broker keeps what comes with QoS 1 and 2
    /// while the connection is lost; that needs a `clientId`.
    #[serde(default = "yes", alias = "cleanSession")]
    pub clean: bool,
    /// With `clean: false` and version 5: for how many seconds the broker keeps it.
    #[serde(default = "default_expiry")]
    #[schemars(range(min = 1, max = 604_800))]
    pub session_expiry: u32,
    /// From the TCP connect to the broker's answer, in milliseconds.
    #[serde(default = "default_connect_timeout")]
    #[schemars(range(min = 1000, max = 60_000))]
    pub connect_timeout: u64,
    /// Bytes of the longest packet.
    #[serde(default = "default_packet_bytes")]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_packet_bytes: u32,
    /// What the broker publishes when this node is lost.
    #[serde(default)]
    pub will: Option<Will>,
}

/// What carries the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// TCP.
    #[default]
    Mqtt,
    /// TLS.
    Mqtts,
    /// The same as `mqtt`.
    Tcp,
    /// The same as `mqtts`.
    Tls,
}

/// The version of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Version {
    /// 5.
    #[serde(rename = "5")]
    Five,
    /// 3.1.1, which every broker speaks.
    #[default]
    #[serde(rename = "3.1.1")]
    Three,
}

/// What the broker publishes when this node is lost.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Will {
    /// Where.
    #[schemars(length(min = 1, max = 1024))]
    pub topic: String,
    /// What.
    #[serde(default)]
    #[schemars(length(max = 65_536))]
    pub payload: String,
    /// How surely.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2))]
    pub qos: u8,
    /// Whether it is kept.
    #[serde(default)]
    pub retain: bool,
}

/// The operation of an endpoint.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operation {
    /// With `subscribe`: a topic, or a filter with `+` and `#`; then the datapoint has the last
    /// message of all topics that fit. With `write`: the topic to publish on.
    #[schemars(length(min = 1, max = 1024))]
    pub topic: String,
    /// 0, 1 or 2. For a write above 0 the broker's acknowledgement counts; at 0 nobody confirms.
    #[serde(default = "default_qos")]
    #[schemars(range(min = 0, max = 2))]
    pub qos: u8,
    /// What a payload is: JSON, or the value itself as text or bytes.
    #[serde(default)]
    pub format: Format,
    /// Where in a JSON payload the value is. Without it an object with `value` is
    /// `{timestamp, value, quality}`, and anything else is the value.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub pointer: Option<String>,
    /// Where in a JSON payload the time is: milliseconds since 1970, or RFC 3339.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub time_pointer: Option<String>,
    /// With `access: rw`: where writes are published.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub write_topic: Option<String>,
    /// Whether the broker keeps what is written.
    #[serde(default)]
    pub retain: bool,
    /// The payload of a write; `{value}` becomes the value's JSON and `{timestamp}` milliseconds
    /// since 1970. By default the value alone.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    pub template: Option<String>,
}

/// What a payload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// The value itself: text, a number as text, or bytes.
    Raw,
}

impl Scheme {
    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Self::Mqtts | Self::Tls)
    }
}

fn default_keepalive() -> u64 {
    10
}

fn yes() -> bool {
    true
}

fn default_expiry() -> u32 {
    3600
}

fn default_connect_timeout() -> u64 {
    5000
}

fn default_packet_bytes() -> u32 {
    1 << 20
}

fn default_qos() -> u8 {
    1
}
