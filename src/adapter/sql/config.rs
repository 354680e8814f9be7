//! What `connection:` and an endpoint's `subscribe:`, `read:` or `write:` may say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mainstem_adapter::TlsSection;
use mainstem_model::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Which server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// PostgreSQL, from version 10 on.
    #[serde(alias = "postgresql", alias = "pg")]
    Postgres,
    /// MariaDB or MySQL.
    #[serde(alias = "mysql")]
    Mariadb,
    /// A file of SQLite.
    #[serde(alias = "sqlite3")]
    Sqlite,
}

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Connection {
    /// Everything in one line, such as `mariadb://user:password@host:3306/database`. In place of
    /// `driver`, `host`, `port`, `username`, `password`, `database` and `file`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub url: Option<Secret>,
    /// Which server it is.
    #[serde(default)]
    pub driver: Option<Driver>,
    /// Name, IP address, or with a leading `/` what the Unix socket is found by.
    #[serde(default)]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,
    /// The TCP port: 5432 with PostgreSQL, 3306 with MariaDB.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The user.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub username: Option<String>,
    /// The password.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub password: Option<Secret>,
    /// The database; with PostgreSQL the user's name unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub database: Option<String>,
    /// The file of SQLite, relative to the folder of the node file. It must exist.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Whom to believe at the other end, and who this node is. Without it nothing is encrypted.
    #[serde(default)]
    pub tls: Option<TlsSection>,
    /// From the TCP connect to the end of the login, in milliseconds.
    #[serde(default = "five_seconds")]
    #[schemars(range(min = 100, max = 60_000))]
    pub connect_timeout: u64,
    /// The longest time for one statement, in milliseconds. The server is told to end it then.
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 100, max = 600_000))]
    pub statement_timeout: u64,
    /// Connections at the same time. From 2 on one of them is kept for writes and questions.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 16))]
    pub connections: u32,
    /// Rows of one answer.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: u32,
    /// Bytes of one answer.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_bytes: u32,
    /// How often it is looked whether the server answers, in milliseconds.
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 100, max = 3_600_000))]
    pub probe_interval: u64,
}

/// What of an answer becomes the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A list of objects, one for each row.
    #[default]
    Rows,
    /// The first row, as an object. With `incremental`: each row by itself.
    Row,
    /// One column of the first row. With `incremental`: of each row.
    Value,
}

/// Only rows that are newer than the last one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Incremental {
    /// The column that grows from row to row: a whole number or a time, never the same twice. The
    /// query has to compare it with `@last` and order by it.
    #[schemars(length(min = 1, max = 128))]
    pub column: String,
    /// What `@last` is before the first row: a number, or a time as a text.
    pub start: Value,
    /// With a whole number: for so many numbers back it is looked whether a row was committed
    /// late.
    #[serde(default)]
    #[schemars(range(max = 10_000))]
    pub lookback: u32,
}

/// What one endpoint asks for or changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operation {
    /// One statement. `@name` stands for a parameter.
    #[schemars(length(min = 1, max = 65_536))]
    pub query: String,
    /// With `access: rw`: the statement that a write fills in.
    #[serde(default)]
    #[schemars(length(min = 1, max = 65_536))]
    pub write_query: Option<String>,
    /// Parameters with fixed values; nobody who writes or asks can change them.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// What of an answer becomes the value.
    #[serde(default)]
    pub result: Outcome,
    /// With `result: value`: which column; the first unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub column: Option<String>,
    /// The column with the time of a row.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub time_column: Option<String>,
    /// Only rows that are newer than the last one.
    #[serde(default)]
    pub incremental: Option<Incremental>,
    /// Whether a write that changes no row is refused.
    #[serde(default)]
    pub must_affect: bool,
    /// How often it is asked, in milliseconds.
    #[serde(default)]
    #[schemars(range(min = 100, max = 86_400_000))]
    pub interval: Option<u64>,
}

fn five_seconds() -> u64 {
    5_000
}

fn ten_seconds() -> u64 {
    10_000
}

fn three() -> u32 {
    3
}

fn thousand() -> u32 {
    1_000
}

fn one_mebibyte() -> u32 {
    1 << 20
}
