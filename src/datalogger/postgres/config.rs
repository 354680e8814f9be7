//! What can be chosen of a PostgreSQL store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_model::quantity;
use serde::Deserialize;

use crate::config::RESERVE_PERCENT;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// By TLS; the server's certificate is checked by `ca` or `pin`.
    #[default]
    Verify,
    /// Not at all. For a socket of this machine, or a network that nobody else is in.
    Off,
}

/// The server, and how this node deals with it.
#[derive(Clone, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// A name, an address, or the folder of the server's Unix socket.
    #[schemars(length(min = 1, max = 255))]
    pub host: String,
    /// The server's port.
    #[serde(default = "port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// The database.
    #[serde(default = "mainstem")]
    #[schemars(length(min = 1, max = 63))]
    pub database: String,
    /// Who the node is there.
    #[serde(default = "mainstem")]
    #[schemars(length(min = 1, max = 63))]
    pub user: String,
    /// Their password.
    #[serde(default)]
    pub password: Option<String>,
    /// The schema of the node's tables: one for each node.
    #[serde(default = "mainstem")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z_][a-z0-9_]*$"))]
    pub schema: String,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: TlsMode,
    /// A PEM file with the authority that vouches for the server's name.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
    /// The fingerprint of the server's key, in place of an authority.
    #[serde(default)]
    #[schemars(regex(pattern = "^[sS][hH][aA]256:[0-9a-fA-F]{64}$"))]
    pub pin: Option<String>,
    /// Disk for rows that wait while the server is away.
    #[serde(default = "spool", deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "64 MiB", "max": "4096 GiB"}
    ))]
    pub spool: u64,
    /// How long rows are gathered before they are moved, unless somebody asks for them.
    #[serde(default = "gather", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "10ms", "max": "5 min"}))]
    pub gather: Duration,
    /// After how long without an answer the server counts as away.
    #[serde(default = "timeout", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "500ms", "max": "5 min"}))]
    pub timeout: Duration,
    /// Bytes that samples may take on the server; beyond them the oldest go. 0 is no limit.
    #[serde(default, deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "0 MiB", "max": "1048576 GiB"}
    ))]
    pub size: u64,
    /// Percent of the disk that the spool leaves free: `reserve_percent` of the section around it.
    #[serde(skip)]
    pub reserve_percent: u8,
}

fn port() -> u16 {
    5432
}

fn mainstem() -> String {
    "mainstem".to_owned()
}

fn spool() -> u64 {
    4 << 30
}

fn gather() -> Duration {
    Duration::from_secs(5)
}

fn timeout() -> Duration {
    Duration::from_secs(10)
}

impl PostgresConfig {
    /// The defaults for a server.
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            port: port(),
            database: mainstem(),
            user: mainstem(),
            password: None,
            schema: mainstem(),
            tls: TlsMode::default(),
            ca: None,
            pin: None,
            spool: spool(),
            gather: gather(),
            timeout: timeout(),
            size: 0,
            reserve_percent: RESERVE_PERCENT,
        }
    }

    /// Whether the server is reached by a Unix socket, which needs no TLS and knows none.
    pub fn is_local(&self) -> bool {
        self.host.starts_with('/')
    }

    /// What it is called in sentences and errors; never with the password.
    pub(super) fn label(&self) -> String {
        let (host, port) = (&self.host, self.port);
        format!(
            "postgresql://{host}:{port}/{}/{}",
            self.database, self.schema
        )
    }
}

// By hand: the password is never shown.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}
