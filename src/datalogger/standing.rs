//! How a store stands: sizes, health, retention.

use std::path::PathBuf;

/// How long what is kept, and how much of the disk it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Samples older than this go, in microseconds; none: never by age.
    pub raw: Option<i64>,
    /// Roll-ups by minute older than this go, in microseconds. Wider ones stay.
    pub minutes: Option<i64>,
    /// Bytes that the store may take; beyond them the oldest samples go.
    pub bytes: Option<u64>,
    /// Percent of its disk that the store may take; beyond it the oldest samples go.
    pub disk_percent: Option<u8>,
}

const DAY: i64 = 86_400_000_000;

impl Default for Policy {
    /// Samples 90 days, minutes a year, at most 60 % of the disk.
    fn default() -> Self {
        Self {
            raw: Some(90 * DAY),
            minutes: Some(365 * DAY),
            bytes: None,
            disk_percent: Some(60),
        }
    }
}

/// What a run of retention did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Retained {
    /// Files deleted.
    pub files: u64,
    /// Bytes given back.
    pub bytes: u64,
    /// Rows deleted with them.
    pub rows: u64,
}

/// Whether the store takes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkState {
    /// It does.
    Working,
    /// It does not, and tries to come back by itself.
    Failed {
        /// What the system said.
        reason: String,
    },
}

/// The figures of a store.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Whether it takes rows.
    pub state: SinkState,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Rows held.
    pub rows: u64,
    /// Of these, rows not yet settled into compressed blocks.
    pub staged: u64,
    /// Rows that wait for the disk now.
    pub waiting: u64,
    /// Series known.
    pub series: u64,
    /// Files of samples.
    pub files: u64,
    /// The oldest and the newest time held, in microseconds.
    pub times: Option<(i64, i64)>,
    /// Bytes that a day takes, from what came since the start; none before there is a figure.
    pub bytes_per_day: Option<f64>,
    /// Days until the disk's reserve is reached at that rate.
    pub days_left: Option<f64>,
    /// Rows acknowledged since the start.
    pub acknowledged: u64,
    /// Rows that were stored already and came once more since the start.
    pub repeated: u64,
    /// Rows given back since the start.
    pub refused: u64,
    /// Commits since the start.
    pub commits: u64,
}

/// What a store takes of its disk, and how long that goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Bytes of all its files.
    pub used: u64,
    /// Bytes that are free on its disk, if the disk says so.
    pub free: Option<u64>,
    /// Bytes that a day adds; none before there is a figure.
    pub bytes_per_day: Option<f64>,
    /// Days until the store has all that it may take, and the oldest samples go before their time.
    /// 36,500 where that does not come.
    pub days_left: Option<f64>,
}

/// What a store holds of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Extent {
    /// Rows held.
    pub rows: u64,
    /// The lowest and highest row number held.
    pub numbers: Option<(u64, u64)>,
    /// The oldest and newest time held, in microseconds.
    pub times: Option<(i64, i64)>,
}

/// Damage that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The damaged file, where it lies now.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Integrity {
    /// Files looked at.
    pub files: u64,
    /// Rows read back and found right.
    pub rows: u64,
    /// What was wrong; empty when all is well.
    pub faults: Vec<Fault>,
}
