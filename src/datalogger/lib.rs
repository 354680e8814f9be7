//! Data loggers: the store of recorded samples and their roll-ups.
//!
//! [`Sink`] is what the rest of the house sees; [`SqliteSink`] keeps it on one machine's disk,
//! [`PostgresSink`] on a server.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod codec;
pub mod completeness;
pub mod config;
mod durable;
mod edit;
mod error;
mod gap;
pub mod grid;
mod numbers;
mod postgres;
mod query;
pub mod recorder;
pub mod replica;
pub mod rollup;
mod row;
mod series;
mod sink;
mod sqlite;
mod standing;
mod step;
#[cfg(test)]
mod story;
mod sums;
mod superseded;
pub mod thinning;

pub use durable::Durable;
pub use edit::{Edit, NOTE_BYTES_MAX};
pub use error::{Refused, SinkError};
pub use gap::{GAPS_MAX, Gap, GapCause, GapId, GapQuery, Healing};
pub use postgres::{PostgresConfig, PostgresSink, TlsMode};
pub use query::{
    Answer, Order, QualityFilter, RollupQuery, Rollups, RowQuery, SampleQuery, Samples,
};
pub use row::{Logged, Row};
pub use series::{About, LogId, SeriesId, SeriesKey};
pub use sink::Sink;
pub use sqlite::{SqliteConfig, SqliteSink, Synchronous};
pub use standing::{Extent, Fault, Integrity, Outlook, Policy, Retained, SinkState, Stats};
pub use step::{RATES_MAX, RateShare, Rollup, RollupBatch, Step};
pub use sums::{HourSum, SUM_HOUR, Summing, row_hash};
