//! What `connection:` and an endpoint's operation may say.

use std::collections::BTreeMap;

use mainstem_adapter::{ConnectionStrategy, TlsSection};
use schemars::JsonSchema;
use serde::Deserialize;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Connection {
    /// Brokers to begin with, `host:port` each; the others of the cluster are learned from them.
    #[schemars(length(min = 1, max = 16))]
    pub brokers: Vec<String>,
    /// Where brokers are from here, where that is not what the cluster says: `host:port` as it
    /// says, and `host:port` to connect to, for port forwarding and NAT. Certificates are checked for
    /// the former.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 64))]
    pub addresses: BTreeMap<String, String>,
    /// As whom this node is known to the brokers, for their logs and quotas.
    #[serde(default = "client_id")]
    #[schemars(length(min = 1, max = 249))]
    pub client_id: String,
    /// How to log in; nobody is asked unless it is given.
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// TLS, and whom to believe; plain connections unless it is given.
    #[serde(default)]
    pub tls: Option<TlsSection>,
    /// Which replicas must have a message before the write counts as done: `all` that are in
    /// sync, or `leader`, the leader alone.
    #[serde(default)]
    pub acks: Acks,
    /// How long a connection and the log-in may take, in milliseconds.
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 100, max = 600_000))]
    pub connect_timeout_ms: u64,
    /// How long an answer may take, beside what the broker was told to wait, in milliseconds.
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 100, max = 600_000))]
    pub request_timeout_ms: u64,
    /// How long the broker holds a request for messages while there are none, in milliseconds.
    #[serde(default = "max_wait")]
    #[schemars(range(min = 10, max = 30_000))]
    pub max_wait_ms: u64,
    /// How many bytes of one partition are asked for at a time. A longer message comes alone.
    #[serde(default = "max_bytes")]
    #[schemars(range(min = 1024, max = 8_388_608))]
    pub max_bytes: u32,
    /// Waits between attempts to connect.
    #[serde(default)]
    pub connection_strategy: Option<ConnectionStrategy>,
}

/// How to log in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Sasl {
    /// `plain` sends the password and so needs `tls`; the others prove it.
    pub mechanism: Mechanism,
    /// Who.
    #[schemars(length(min = 1, max = 1024))]
    pub username: String,
    /// The password, best as `!secret`.
    #[schemars(length(min = 1, max = 4096))]
    pub password: String,
}

/// The ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// The password as it is.
    Plain,
    /// SCRAM with SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// SCRAM with SHA-512.
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

/// Which replicas must have a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Acks {
    /// All that are in sync.
    #[default]
    All,
    /// The leader alone.
    Leader,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// Behind the last message that is there.
    #[default]
    Latest,
    /// At the first message that is there.
    Earliest,
}

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON document, with the value in it.
    #[default]
    Json,
    /// The value itself: a text, or bytes for the type `bytes`.
    Raw,
}

/// How written messages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By GZIP.
    Gzip,
}

/// The operation of an endpoint.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operation {
    /// The topic. It has to exist: none is made.
    #[schemars(length(min = 1, max = 249))]
    pub topic: String,
    /// Reading: these partitions alone; all of them unless it is given.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub partitions: Option<Vec<i32>>,
    /// Reading: where to begin if there is no place to go on from.
    #[serde(default)]
    pub from: From,
    /// Reading: whether to go on behind the last message after a restart. Otherwise every session
    /// begins where `from` says.
    #[serde(default = "yes")]
    pub keep: bool,
    /// Reading: only messages with this key. Writing: the key of the messages.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub key: Option<String>,
    /// Whether messages are JSON or the value itself.
    #[serde(default)]
    pub format: Format,
    /// Reading JSON: where in the document the value stands, as a JSON pointer. Without it, its
    /// member `value` if there is one, else the whole document.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub pointer: Option<String>,
    /// Writing: the partition; without it that of the key as Java's clients choose it, and the
    /// partitions in turn where there is no key.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub partition: Option<i32>,
    /// Writing: headers of the messages, texts by name.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 32))]
    pub headers: BTreeMap<String, String>,
    /// Writing: how messages are compressed.
    #[serde(default)]
    pub compression: Compression,
}

fn client_id() -> String {
    "mainstem".to_owned()
}

fn ten_seconds() -> u64 {
    10_000
}

fn max_wait() -> u64 {
    500
}

fn max_bytes() -> u32 {
    1024 * 1024
}

fn yes() -> bool {
    true
}
