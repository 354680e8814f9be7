//! What every store does, whichever it is: one story, told of each of them.

mod edits;
mod naive;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use mainstem_device::{PostgresServer, Speed};
use mainstem_model::{ManualClock, Name, NodeId, Timestamp};
use mainstem_telemetry::Health;
use uuid::Uuid;

use crate::{
    LogId, Logged, PostgresConfig, PostgresSink, Row, SampleQuery, SeriesId, SeriesKey, Sink,
    SinkError, SqliteConfig, SqliteSink,
};

/// Longer than any wait that succeeds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place in which a store is opened again and again.
pub(crate) trait Place {
    /// The store there.
    type Sink: Sink;

    /// Opens it, or makes it.
    fn open(&self) -> Self::Sink;
    /// Puts what was appended where it stays.
    fn settle(sink: &Self::Sink);
    /// Begins a new file, where there are files.
    fn rotate(sink: &Self::Sink);
    /// The clock that it goes by.
    fn clock(&self) -> &ManualClock;
    /// How many rows may wait for it, if that is a limit that a test can reach.
    fn with_queue(&self, rows: usize) -> Option<Self::Sink>;
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)))
}

/// A SQLite store.
pub(crate) struct Sqlite {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: clock(),
        }
    }

    fn config(&self) -> SqliteConfig {
        let mut config = SqliteConfig::new(self.folder.path());
        config.reserve_percent = 0;
        config.check_at_start = false;
        config.settle_rows = u64::MAX;
        config.settle_age = Duration::from_hours(1);
        // A disk that need not survive a power cut makes the test faster, not weaker.
        config.synchronous = crate::Synchronous::Normal;
        config
    }

    fn open_with(&self, config: SqliteConfig) -> SqliteSink {
        let health = Health::new(self.clock.clone());
        SqliteSink::open(config, health, self.clock.clone()).unwrap()
    }
}

impl Place for Sqlite {
    type Sink = SqliteSink;

    fn open(&self) -> SqliteSink {
        self.open_with(self.config())
    }

    fn settle(sink: &SqliteSink) {
        assert!(sink.settle(PATIENCE));
    }

    fn rotate(sink: &SqliteSink) {
        sink.rotate().unwrap();
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    fn with_queue(&self, rows: usize) -> Option<SqliteSink> {
        let mut config = self.config();
        config.queue_rows = rows;
        config.commit_interval = Duration::from_hours(1);
        Some(self.open_with(config))
    }
}

/// A schema of a PostgreSQL server, with its spool.
pub(crate) struct Postgres {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) config: PostgresConfig,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) health: Health,
}

/// A server, or a loud word that there is none.
pub(crate) fn server(what: &str, speed: Speed) -> Option<PostgresServer> {
    if !PostgresServer::is_installed() {
        left_out(&format!("{what}: no PostgreSQL is installed"));
        return None;
    }
    Some(PostgresServer::start(speed).unwrap())
}

/// Says loudly that a test did not run, on the terminal and to `tests/run`.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no configuration but this"
)]
pub(crate) fn left_out(why: &str) {
    use std::io::Write;
    eprintln!("LEFT OUT: {why}");
    if let Ok(path) = std::env::var("MAINSTEM_SKIPPED") {
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(path);
        writeln!(file.unwrap(), "{why}").unwrap();
    }
}

impl Postgres {
    /// A new store in a schema of its own.
    pub(crate) fn new(server: &PostgresServer, schema: &str) -> Self {
        let clock = clock();
        let mut config = PostgresConfig::new(&server.socket().to_string_lossy());
        config.port = server.port();
        config.schema = schema.to_owned();
        config.gather = Duration::from_millis(20);
        Self {
            folder: tempfile::tempdir().unwrap(),
            config,
            health: Health::new(clock.clone()),
            clock,
        }
    }

    pub(crate) fn try_open(&self) -> Result<PostgresSink, SinkError> {
        let folder = self.folder.path();
        let (health, clock) = (self.health.clone(), self.clock.clone());
        PostgresSink::open(self.config.clone(), folder, health, clock)
    }
}

impl Place for Postgres {
    type Sink = PostgresSink;

    fn open(&self) -> PostgresSink {
        self.try_open().unwrap()
    }

    fn settle(sink: &PostgresSink) {
        sink.settle().unwrap();
    }

    fn rotate(_: &PostgresSink) {}

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    fn with_queue(&self, _: usize) -> Option<PostgresSink> {
        None
    }
}

pub(crate) fn key(logger: &str) -> SeriesKey {
    SeriesKey {
        origin: NodeId(Uuid::from_u128(1)),
        log: LogId(Uuid::from_u128(2)),
        logger: Name::new(logger).unwrap(),
    }
}

/// A row whose every field follows from its number.
pub(crate) fn row(series: SeriesId, number: u64) -> Row {
    let signed = number.cast_signed();
    Row {
        series,
        row: number,
        time: signed * 1_000_000,
        received: number.is_multiple_of(5).then_some(signed * 1_000_000 + 77),
        value: match number % 7 {
            0 => Logged::Text(Arc::from(format!("text {}", number % 11))),
            1 => Logged::Integer(signed),
            2 => Logged::Bool(number.is_multiple_of(2)),
            3 => Logged::None,
            _ => Logged::Number(f64::from(u32::try_from(number % 1000).unwrap()) / 10.0),
        },
        quality: u16::try_from(number % 3).unwrap() << 8,
    }
}

pub(crate) fn all(sink: &impl Sink, series: SeriesId) -> Result<Vec<Row>, SinkError> {
    sink.samples(&SampleQuery::new(series, i64::MIN, i64::MAX))?
        .collect()
}

pub(crate) fn wait_for(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + patience;
    while !condition() {
        assert!(
            std::time::Instant::now() < until,
            "{what} within {patience:?}"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
