//! The sections `roles:` and `tokens:` of the node file.

use mainstem_model::{GlobSet, Name, Secret, Timestamp, TopicSet};
use mainstem_security::{AddressList, DataPattern};

/// Roles that every node has and no file can change.
pub(crate) const BUILT_IN_ROLES: [&str; 3] = ["admin", "concentrator", "viewer"];

/// What the clients of a role may do. Patterns are tried in order and `!` denies; what fits none
/// is denied.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoleConfig {
    /// The datapoints that are shown.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub read: GlobSet,
    /// The datapoints that may be written.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub write: GlobSet,
    /// The GUI variables that are shown and may be written; none by default.
    pub variables: VariablesConfig,
    /// The series of data loggers that may be imported into and edited; none by default.
    pub loggers: LoggerRightsConfig,
    /// The prefix below which such a client provides datapoints of its own.
    #[schemars(with = "Option<String>", extend("format" = "name"))]
    pub provide: Option<Name>,
    /// Whether everything else is allowed too: tokens, certificates, configuration.
    pub admin: bool,
    /// Whether a link may be opened, as a concentrator does: `false`, `true`, or `read`: for
    /// reading only, so that no write comes over it.
    #[schemars(with = "String", extend("type" = ["boolean", "string"], "enum" = [false, true, "read"]))]
    pub link: LinkRight,
    /// The remote entry with `dial: up` that such a client, a node below, may serve.
    #[schemars(with = "Option<String>", extend("format" = "component"))]
    pub dial_up: Option<Name>,
    /// Whether such a client may use the API of the nodes below, where they allow it.
    pub remote_support: bool,
    /// Whether anything may be written at all; `false` denies it whatever `write` says.
    pub control: bool,
    /// From where such a client may come: `*`, IP addresses, networks.
    #[schemars(with = "Vec<String>", length(min = 1, max = 64), extend(
        "items" = {"type": "string", "format": "network"}
    ))]
    pub from: AddressList,
    /// What may be done with events, which wait for an answer.
    pub events: EventsConfig,
    /// What may be done at the paths of HTTP server nodes, below `/data`; nothing by default.
    pub data: DataConfig,
    /// What may be done on the bus; nothing by default.
    pub topics: TopicsConfig,
}

impl Default for RoleConfig {
    fn default() -> Self {
        Self {
            read: GlobSet::default(),
            write: GlobSet::default(),
            provide: None,
            admin: false,
            link: LinkRight::None,
            dial_up: None,
            remote_support: false,
            control: true,
            from: AddressList::default(),
            events: EventsConfig::default(),
            data: DataConfig::default(),
            topics: TopicsConfig::default(),
            variables: VariablesConfig::default(),
            loggers: LoggerRightsConfig::default(),
        }
    }
}

/// Where a role publishes and to what it subscribes, with MQTT's wildcards `+` and `#`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TopicsConfig {
    /// The topics on which it publishes.
    #[schemars(with = "Vec<String>", length(max = 256), extend(
        "items" = {"type": "string", "format": "topic-filter"}
    ))]
    pub publish: TopicSet,
    /// The filters to which it subscribes, and those that are within them.
    #[schemars(with = "Vec<String>", length(max = 256), extend(
        "items" = {"type": "string", "format": "topic-filter"}
    ))]
    pub subscribe: TopicSet,
}

/// What a role may do over a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkRight {
    /// Nothing.
    #[default]
    None,
    /// Read.
    Read,
    /// Read, and write what `write` allows.
    Full,
}

impl<'de> serde::Deserialize<'de> for LinkRight {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Switch(bool),
            Word(String),
        }
        match Written::deserialize(input)? {
            Written::Switch(false) => Ok(Self::None),
            Written::Switch(true) => Ok(Self::Full),
            Written::Word(word) if word == "read" => Ok(Self::Read),
            Written::Word(_) => Err(serde::de::Error::custom("expected true, false or read")),
        }
    }
}

/// Which kinds of events a role deals with. Patterns as for datapoints, over the kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// Those that it raises.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub raise: GlobSet,
    /// Those that it is told.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub see: GlobSet,
    /// Those that it answers.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub answer: GlobSet,
}

/// What the clients of a role may do at the paths of HTTP server nodes. Patterns as MQTT has them,
/// beginning with `data/`, without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where GET is allowed.
    #[schemars(with = "Vec<String>", length(max = 256))]
    pub read: Vec<DataPattern>,
    /// Where POST and PUT are allowed.
    #[schemars(with = "Vec<String>", length(max = 256))]
    pub write: Vec<DataPattern>,
}

/// What the clients of a role may do with GUI variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VariablesConfig {
    /// The variables that are shown.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub read: GlobSet,
    /// The variables that may be written.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub write: GlobSet,
}

/// What the clients of a role may do with data loggers. Who may read a datapoint may read what was
/// recorded of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoggerRightsConfig {
    /// The series, by their names, that may be imported into and edited.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub write: GlobSet,
}

/// A token as written: the text itself or its hash.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenSection {
    /// Who comes with this token; it stands in the audit log.
    #[schemars(with = "String", extend("format" = "component"))]
    pub(crate) name: Name,
    /// What the client may do.
    pub(crate) role: String,
    /// The token. This or `hash`.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 16))]
    pub(crate) token: Option<Secret>,
    /// The SHA-256 of the token. This or `token`.
    #[serde(default)]
    #[schemars(extend("format" = "fingerprint"))]
    pub(crate) hash: Option<String>,
    /// When it ends.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "moment"))]
    pub(crate) expires: Option<Timestamp>,
    /// The prefix below which this client provides datapoints, in place of the role's.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "name"))]
    pub(crate) provide: Option<Name>,
    /// From where this client may come, beside what its role says: `*`, IP addresses, networks.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(min = 1, max = 64), extend(
        "items" = {"type": "string", "format": "network"}
    ))]
    pub(crate) from: AddressList,
}

/// A client that comes with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// Who it is.
    pub name: Name,
    /// Its role, one of those in `roles:`.
    pub role: String,
    /// By what it is recognised.
    pub credential: Credential,
    /// When it ends; never if absent.
    pub expires: Option<Timestamp>,
    /// The prefix below which it provides datapoints, in place of the role's.
    pub provide: Option<Name>,
    /// From where it may come, beside what its role says.
    pub from: AddressList,
}

/// By what a token is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The token itself.
    Token(Secret),
    /// `sha256:` and the hexadecimal digits of its hash, in lower case.
    Hash(String),
}
