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
    #[default]
    Http,
    /// With TLS.
    Https,
}

/// Which requests the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `/write` and `/query`.
    One,
    /// `/api/v2/write` and `/api/v2/query`.
    Two,
    /// `/api/v2/write` and, for InfluxQL, `/query`.
    Three,
}

impl Version {
    pub(crate) fn of(number: u8) -> Self {
        match number {
            1 => Self::One,
            3 => Self::Three,
            _ => Self::Two,
        }
    }
}

/// The unit of time stamps that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Nanoseconds.
    Ns,
    /// Microseconds: that of the node's own stamps.
    #[default]
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

/// In which language a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Flux, of version 2.
    Flux,
    /// InfluxQL.
    Influxql,
}

/// Which datapoints of the node are written out, and as what.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Export {
    /// Patterns of names; the first that fits decides, `!` leaves out.
    #[schemars(length(min = 1, max = 256))]
    pub include: Vec<String>,
    /// The measurement. `{name}` is the datapoint's name, `{1}` its first segment, `{last}` its
    /// last.
    #[serde(default = "whole_name")]
    #[schemars(length(min = 1, max = 1024))]
    pub measurement: String,
    /// Tags, with the same places.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub tags: BTreeMap<String, String>,
    /// The field, with the same places.
    #[serde(default = "value")]
    #[schemars(length(min = 1, max = 1024))]
    pub field: String,
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
    /// The TCP port.
    #[serde(default = "port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Which version of the server it is: 1, 2 or 3.
    #[serde(default = "two_versions")]
    #[schemars(range(min = 1, max = 3))]
    pub version: u8,
    /// The token, with versions 2 and 3.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token: Option<Secret>,
    /// The user, with version 1.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub username: Option<String>,
    /// The password, with version 1.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub password: Option<Secret>,
    /// The organisation, with version 2.
    #[serde(default = "generic")]
    #[schemars(length(min = 1, max = 256))]
    pub org: String,
    /// The bucket; with versions 1 and 3 the database.
    #[serde(default = "measurement_data")]
    #[schemars(length(min = 1, max = 256))]
    pub bucket: String,
    /// With version 1: the retention policy, if not the database's own.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub retention_policy: Option<String>,
    /// The unit of time stamps that are written.
    #[serde(default)]
    pub precision: Precision,
    /// The authority that vouches for the server, as PEM; by default those that the machine trusts.
    #[serde(default)]
    pub ca_cert: Option<String>,
    /// The fingerprint of the server's key, in place of an authority.
    #[serde(default)]
    #[schemars(extend("format" = "fingerprint"))]
    pub pin: Option<String>,
    /// The longest time for one request, in milliseconds.
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 100, max = 600_000))]
    pub timeout: u64,
    /// How often it is looked whether the server answers, in milliseconds.
    #[serde(default = "two_seconds")]
    #[schemars(range(min = 100, max = 3_600_000))]
    pub probe_interval: u64,
    /// Datapoints of the node that are written out.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub datapoints: Vec<Export>,
    /// Lines of one request.
    #[serde(default = "five_thousand")]
    #[schemars(range(min = 1, max = 50_000))]
    pub batch_size: u32,
    /// How long lines are gathered, in milliseconds.
    #[serde(default = "one_second")]
    #[schemars(range(min = 10, max = 600_000))]
    pub flush_interval: u64,
    /// Lines that wait in memory; beyond them the oldest go, and are counted.
    #[serde(default = "hundred_thousand")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_buffer_lines: u32,
    /// The longest first wait after lines were not taken, in milliseconds.
    #[serde(default = "five_seconds")]
    #[schemars(range(min = 10, max = 3_600_000))]
    pub min_retry_delay: u64,
    /// No wait is longer, in milliseconds.
    #[serde(default = "three_minutes")]
    #[schemars(range(min = 10, max = 3_600_000))]
    pub max_retry_delay: u64,
    /// By how much the longest wait grows each time.
    #[serde(default = "two")]
    #[schemars(range(min = 2, max = 10))]
    pub exponential_base: u32,
    /// The largest answer, in bytes.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_body_size: u32,
}

/// What of an answer becomes the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A list of objects, one for each row.
    #[default]
    Rows,
    /// The first row, as an object.
    Row,
    /// One column of the first row.
    Value,
}

/// What one endpoint asks for or writes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operation {
    /// What is asked, with `subscribe` and `read`. In InfluxQL `@name` stands for a parameter.
    #[serde(default)]
    #[schemars(length(min = 1, max = 65_536))]
    pub query: Option<String>,
    /// Its language: Flux with version 2, else InfluxQL, unless given.
    #[serde(default)]
    pub language: Option<Language>,
    /// Parameters of the query with fixed values.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// What of an answer becomes the value.
    #[serde(default)]
    pub result: Outcome,
    /// With `result: value`: which column; `_value`, or the first that is no time, unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub column: Option<String>,
    /// How often it is asked, in milliseconds.
    #[serde(default)]
    #[schemars(range(min = 100, max = 86_400_000))]
    pub interval: Option<u64>,
    /// What is written, with `write`: the measurement.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub measurement: Option<String>,
    /// The field of a value that has no members.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub field: Option<String>,
    /// Tags of what is written; nobody who writes can change them.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub tags: BTreeMap<String, String>,
}

fn whole_name() -> String {
    "{name}".into()
}

fn value() -> String {
    "value".into()
}

fn generic() -> String {
    "generic".into()
}

fn measurement_data() -> String {
    "measurement_data".into()
}

fn port() -> u16 {
    8086
}

fn two_versions() -> u8 {
    2
}

fn two() -> u32 {
    2
}

fn five_thousand() -> u32 {
    5_000
}

fn hundred_thousand() -> u32 {
    100_000
}

fn one_mebibyte() -> u32 {
    1 << 20
}

fn one_second() -> u64 {
    1_000
}

fn two_seconds() -> u64 {
    2_000
}

fn five_seconds() -> u64 {
    5_000
}

fn ten_seconds() -> u64 {
    10_000
}

fn three_minutes() -> u64 {
    180_000
}
