//! What `connection:` and an endpoint's `subscribe:`, `read:` or `write:` may say.

use std::collections::BTreeMap;

use mainstem_model::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    #[default]
    Https,
}

/// `GET` or `HEAD`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeMethod {
    /// With a body in the answer.
    Get,
    /// Without.
    #[default]
    Head,
}

/// Basic authentication.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub username: String,
    /// The password.
    #[schemars(with = "String")]
    pub password: Secret,
}

/// OAuth 2.0, client credentials (RFC 6749, 4.4).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// Where tokens are given.
    #[schemars(length(min = 1, max = 2048))]
    pub auth_url: String,
    /// Who asks.
    pub client_id: String,
    /// The secret that goes with it.
    #[schemars(with = "String")]
    pub client_secret: Secret,
    /// Always this.
    #[serde(default = "client_credentials")]
    #[schemars(extend("const" = "client_credentials"))]
    pub grant_type: String,
    /// For whom the token is to be good.
    #[serde(default)]
    pub audience: Option<String>,
    /// For what it is to be good.
    #[serde(default)]
    pub scope: Option<String>,
}

fn client_credentials() -> String {
    "client_credentials".into()
}

/// Connections that are held.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct AgentOptions {
    /// Requests at the same time.
    #[schemars(range(min = 1, max = 256))]
    pub max_sockets: Option<u32>,
    /// Connections kept open without a request.
    #[schemars(range(max = 256))]
    pub max_free_sockets: Option<u32>,
    /// The longest time for one request, in milliseconds.
    #[schemars(range(min = 10, max = 600_000))]
    pub timeout: Option<u64>,
    /// How long a connection without a request is kept, in milliseconds.
    #[schemars(range(max = 600_000))]
    pub keep_alive_msecs: Option<u64>,
}

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Connection {
    /// Whether TLS is spoken.
    #[serde(default)]
    pub scheme: Scheme,
    /// Name or IP address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,
    /// The TCP port: 443, or 80 without TLS.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// What stands before the path of every endpoint.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub prefix: String,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters of every request.
    #[serde(default)]
    pub query: BTreeMap<String, Value>,
    /// User and password.
    #[serde(default)]
    pub auth: Option<Basic>,
    /// Tokens of an authorisation server.
    #[serde(default)]
    pub oauth_client_credentials: Option<ClientCredentials>,
    /// How often it is looked whether the service answers, in milliseconds; 0 is never.
    #[serde(default = "ten_seconds")]
    #[schemars(range(max = 3_600_000))]
    pub probe_interval: u64,
    /// The longest time for that, in milliseconds; 0 is that of a request.
    #[serde(default)]
    #[schemars(range(max = 600_000))]
    pub probe_timeout: u64,
    /// Which path is asked for then.
    #[serde(default = "root")]
    #[schemars(length(max = 1024))]
    pub probe_path: String,
    /// By which method.
    #[serde(default)]
    pub probe_method: ProbeMethod,
    /// Whether a certificate of ours is shown; it is wherever there is one.
    #[serde(default)]
    pub mutual_authentication: bool,
    /// Always false: a service that nobody can recognise is not talked to.
    #[serde(default)]
    #[schemars(extend("const" = false))]
    pub trust_all_certificates: bool,
    /// The authority that vouches for the service, as PEM; by default those that the machine
    /// trusts.
    #[serde(default)]
    pub ca_cert: Option<String>,
    /// The fingerprint of the service's key, in place of an authority.
    #[serde(default)]
    #[schemars(extend("format" = "fingerprint"))]
    pub pin: Option<String>,
    /// Our certificate, as PEM.
    #[serde(default)]
    pub client_cert: Option<String>,
    /// Its private key, as PEM.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_private_key: Option<Secret>,
    /// Connections that are held.
    #[serde(default)]
    pub agent_options: AgentOptions,
    /// The longest time for one request, in milliseconds.
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 10, max = 600_000))]
    pub request_timeout: u64,
    /// The largest body of an answer, in bytes.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(min = 1, max = 16_777_216))]
    pub max_body_size: u32,
}

fn ten_seconds() -> u64 {
    10_000
}

fn root() -> String {
    "/".into()
}

fn one_mebibyte() -> u32 {
    1 << 20
}

/// What one endpoint asks for or sends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operation {
    /// The path, behind the connection's prefix.
    #[schemars(length(min = 1, max = 2048))]
    pub path: String,
    /// The method: GET to read, POST to write, unless it is said.
    #[serde(default)]
    #[schemars(
        with = "Option<String>",
        regex(pattern = "^(?i)(get|post|put|patch|delete|head)$")
    )]
    pub method: Option<String>,
    /// Headers, beside and before the connection's.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters, beside and before the connection's.
    #[serde(default)]
    pub query: BTreeMap<String, Value>,
    /// Where in the answer the value stands (RFC 6901); the whole of it by default.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub pointer: Option<String>,
    /// The body that is sent. `{value}` in a text, or a member `"{value}"` of an object, stands for
    /// the value that is written; without a body the value itself is sent, as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// How often it is asked, in milliseconds: 1000 with GET and HEAD; by other methods only on
    /// request unless it is said.
    #[serde(default)]
    #[schemars(range(min = 100, max = 86_400_000))]
    pub interval: Option<u64>,
}
