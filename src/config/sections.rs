//! The sections of the node file that belong to no other room.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_bus::config::BusConfig;
use mainstem_datalogger::config::LoggersConfig;
use mainstem_flowsync::FlowLimits;
use mainstem_http::{HsycoConfig, HttpLimits, ListenConfig, SupportConfig};
use mainstem_model::{Name, quantity};
use mainstem_store::FeedConfig;
use mainstem_write::PolicyConfig;
use serde_json::Value;

use crate::access::{RoleConfig, TokenSection};

/// The whole node file; only its schema is used, each section being read on its own.
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "for the schema")]
pub(crate) struct NodeFile {
    /// The version of this format.
    #[schemars(range(min = 1, max = 1), extend("x-expected" = "`1`, the only version there is"))]
    version: u32,
    /// Who this node is.
    node: NodeSection,
    /// Where it serves its API over HTTPS.
    #[schemars(default)]
    listen: Vec<ListenConfig>,
    /// The same API for local programs: `on`, `off` or a path.
    #[schemars(default, extend(
        "minLength" = 1, "x-expected" = "`on`, `off` or the path of the socket"
    ))]
    unix_socket: String,
    /// How much of the past the feed keeps.
    #[schemars(default)]
    feed: FeedConfig,
    /// What clients may do, by role.
    #[schemars(default)]
    roles: BTreeMap<String, RoleConfig>,
    /// The clients that come with a token.
    #[schemars(default)]
    tokens: Vec<TokenSection>,
    /// What the owner lets a write do; the first whose patterns fit a datapoint counts.
    #[schemars(default, length(max = 1000))]
    policies: Vec<PolicyConfig>,
    /// Old names of datapoints, adapters and remotes, each with the new one.
    #[schemars(default, extend("maxProperties" = 1024))]
    aliases: BTreeMap<String, AliasTarget>,
    /// What is recorded; without this section nothing is.
    #[schemars(default)]
    loggers: Option<LoggersConfig>,
    /// Where messages go by topic: a broker in this process, or a foreign one.
    #[schemars(default)]
    bus: Option<BusConfig>,
    /// What clients can cost at most.
    #[schemars(default)]
    limits: HttpLimits,
    /// What held requests can cost at most.
    #[schemars(default)]
    flowsync: FlowLimits,
    /// The HSYCO-compatible route; without this section it does not exist.
    #[schemars(default)]
    hsyco: Option<HsycoConfig>,
    /// As whom remote support acts; without this section the node cannot be opened for it.
    #[schemars(default)]
    support: Option<SupportConfig>,
    /// What the node writes to its log.
    #[schemars(default)]
    log: LogConfig,
    /// Values for `!ref` and `!sub`; used up before the schema is applied.
    #[schemars(default)]
    definitions: BTreeMap<String, Value>,
    /// Connections, endpoints and remotes.
    #[schemars(default)]
    resources: BTreeMap<String, ResourceHead>,
}

/// A new name.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "for the schema")]
pub(crate) struct AliasTarget(
    #[schemars(with = "String", extend("format" = "name"))] pub(crate) String,
);

/// What every resource has.
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "for the schema")]
pub(crate) struct ResourceHead {
    /// What kind of resource it is.
    #[schemars(extend(
        "enum" = [
            "Connection", "Endpoint", "Server::Http", "Server::Modbus", "Server::Opcua",
            "Node::Http", "Node::Modbus", "Node::Opcua", "Node::OpcuaObject", "Mapping", "Remote", "Uplink",
            "Cybus::Connection", "Cybus::Endpoint", "Cybus::Server::Http",
            "Cybus::Server::Modbus", "Cybus::Server::Opcua", "Cybus::Node::Http",
            "Cybus::Node::Modbus", "Cybus::Node::Opcua",
            "Cybus::Node::OpcuaObject", "Cybus::Mapping"
        ],
        "x-expected" = "`Connection`, `Endpoint`, `Server::Http`, `Server::Modbus`, \
                        `Server::Opcua`, `Node::Http`, `Node::Modbus`, `Node::Opcua`, \
                        `Node::OpcuaObject`, `Mapping`, `Remote` or `Uplink`; \
                        `Cybus::` may stand before all but the last two"
    ))]
    r#type: String,
    /// Its own options, by type.
    #[schemars(with = "BTreeMap<String, Value>")]
    properties: Value,
}

/// The section `node:` as written.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeSection {
    /// The node's name: a label for people. Its identity is a UUID in the data folder.
    #[schemars(with = "String", extend("format" = "component"))]
    pub(crate) name: Name,
    /// What this node is for.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub(crate) description: Option<String>,
    /// The folder for everything that the node keeps, relative to this file.
    #[serde(default = "default_data")]
    #[schemars(length(min = 1))]
    pub(crate) data: String,
    /// How often the node's canary changes, by which the levels above see that values flow; 0 is
    /// off.
    #[serde(default = "default_canary", deserialize_with = "quantity::seconds")]
    #[schemars(with = "String", extend(
        "type" = ["number", "string"],
        "duration" = {"min": "0s", "max": "1h", "number": "seconds"}
    ))]
    pub(crate) canary: Duration,
    /// What stands in the topics of this file's resources, `services/<service_id>/…`, in place of
    /// the node's name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("format" = "service-id"))]
    #[expect(dead_code, reason = "looked at with the topics")]
    pub(crate) service_id: Option<String>,
}

fn default_canary() -> Duration {
    Duration::from_secs(1)
}

fn default_data() -> String {
    "./data".into()
}

/// The section `log:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The least important messages that are still written.
    pub level: LogLevel,
    /// Lines for people or for programs.
    pub format: LogFormat,
}

/// How important a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something does not work and needs somebody.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What an operator wants to know.
    #[default]
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line for eyes.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
