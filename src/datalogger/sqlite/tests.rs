//! Tests of the SQLite store.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests tell their child processes what to do by the environment"
)]

mod damage;
mod defect;
mod disk;
mod edits;
mod inject;
mod kill;
mod layouts;
mod naive;
mod power;
mod standing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{ManualClock, Name, NodeId, Timestamp};
use mainstem_telemetry::Health;
use uuid::Uuid;

use super::{SqliteConfig, SqliteSink};
use crate::{LogId, Logged, Row, SampleQuery, SeriesId, SeriesKey, Sink, SinkError};

/// Longer than any wait that succeeds.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(folder: &Path) -> SqliteConfig {
    let mut config = SqliteConfig::new(folder);
    config.reserve_percent = 0;
    config.check_at_start = false;
    config.settle_rows = u64::MAX;
    config.settle_age = Duration::from_hours(1);
    config
}

fn health() -> (Arc<ManualClock>, Health) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    (Arc::clone(&clock), Health::new(clock))
}

fn open(config: SqliteConfig) -> SqliteSink {
    let (clock, health) = health();
    SqliteSink::open(config, health, clock).unwrap()
}

fn key(logger: &str) -> SeriesKey {
    SeriesKey {
        origin: NodeId(Uuid::from_u128(1)),
        log: LogId(Uuid::from_u128(2)),
        logger: Name::new(logger).unwrap(),
    }
}

/// A row whose every field follows from its number.
fn row(series: SeriesId, number: u64) -> Row {
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

fn all(sink: &SqliteSink, series: SeriesId) -> Result<Vec<Row>, SinkError> {
    let query = SampleQuery::new(series, i64::MIN, i64::MAX);
    sink.samples(&query).unwrap().collect()
}
