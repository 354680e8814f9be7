//! The sections `roles:` and `tokens:` of the node file.

use mainstem_model::{GlobSet, Name, Secret, Timestamp};

/// Roles that every node has and no file can change.
pub(crate) const BUILT_IN_ROLES: [&str; 3] = ["admin", "concentrator", "viewer"];

/// What the clients of a role may do. Patterns are tried in order and `!` denies; what fits none
/// is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoleConfig {
    /// The datapoints that are shown.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub read: GlobSet,
    /// The datapoints that may be written.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub write: GlobSet,
    /// The prefix below which such a client provides datapoints of its own.
    #[schemars(with = "Option<String>", extend("format" = "name"))]
    pub provide: Option<Name>,
    /// Whether everything else is allowed too: tokens, certificates, configuration.
    pub admin: bool,
    /// Whether a link may be opened, as a concentrator does.
    pub link: bool,
    /// What may be done with events, which wait for an answer.
    pub events: EventsConfig,
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
}

/// By what a token is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The token itself.
    Token(Secret),
    /// `sha256:` and the hexadecimal digits of its hash, in lower case.
    Hash(String),
}
