//! Where a node's loggers keep what they record: the store that the section names.

use std::path::Path;
use std::sync::Arc;

use mainstem_datalogger::config::{LoggersConfig, StoreConfig};
use mainstem_datalogger::{PostgresSink, Sink, SinkError, SqliteConfig, SqliteSink};
use mainstem_model::Clock;
use mainstem_telemetry::Health;

/// The folder of the spool of a PostgreSQL store, in the loggers' own.
const SPOOL: &str = "postgres";

/// A store that is open.
#[derive(Clone)]
pub(super) enum Opened {
    /// On this machine's disk.
    Sqlite(Arc<SqliteSink>),
    /// On a server.
    Postgres(Arc<PostgresSink>),
}

impl Opened {
    /// Opens the store. Waits for the disk, and for the server as long as its limit says.
    pub(super) fn open(
        config: &LoggersConfig,
        folder: &Path,
        health: Health,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SinkError> {
        Ok(match &config.store {
            StoreConfig::Sqlite => {
                let mut sqlite = SqliteConfig::new(folder);
                sqlite.reserve_percent = config.reserve_percent;
                Self::Sqlite(Arc::new(SqliteSink::open(sqlite, health, clock)?))
            }
            StoreConfig::Postgres(server) => {
                let (mut server, folder) = ((**server).clone(), folder.join(SPOOL));
                server.reserve_percent = config.reserve_percent;
                Self::Postgres(Arc::new(PostgresSink::open(
                    server, &folder, health, clock,
                )?))
            }
        })
    }

    /// The store as the recorder sees it.
    pub(super) fn sink(&self) -> Arc<dyn Sink> {
        match self {
            Self::Sqlite(sink) => Arc::<SqliteSink>::clone(sink),
            Self::Postgres(sink) => Arc::<PostgresSink>::clone(sink),
        }
    }

    /// The store, if it is on this machine's disk.
    pub(super) fn on_this_disk(&self) -> Option<&Arc<SqliteSink>> {
        match self {
            Self::Sqlite(sink) => Some(sink),
            Self::Postgres(_) => None,
        }
    }

    /// Closes it. Waits for the disk.
    pub(super) fn close(&self) {
        match self {
            Self::Sqlite(sink) => sink.close(),
            Self::Postgres(sink) => sink.close(),
        }
    }
}
