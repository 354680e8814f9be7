//! What can be chosen of a SQLite store.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::RESERVE_PERCENT;

/// How far SQLite goes before a commit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// The log is synced at every commit: what is acknowledged survives a power cut.
    #[default]
    Full,
    /// It is not: a power cut takes what was acknowledged last. For the test that shows it.
    Normal,
}

/// The choices of a store. Limits are per store.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// The folder of the store's files; made where it does not exist.
    pub folder: PathBuf,
    /// The name in problems: `datalogger.<name>.…`.
    pub name: String,
    /// How long a commit may wait for more rows. Zero: what waits is committed at once, and what
    /// comes meanwhile is the next commit. Some seconds spare a flash disk.
    pub commit_interval: Duration,
    /// Rows that may wait for the disk; beyond them `append` answers `Full`.
    pub queue_rows: usize,
    /// A part is closed when it has so many bytes …
    pub part_bytes: u64,
    /// … or is so old.
    pub part_age: Duration,
    /// Rows are settled when so many are staged …
    pub settle_rows: u64,
    /// … or when the oldest was staged so long ago.
    pub settle_age: Duration,
    /// Whether rows are settled at all; not in a store that only hands them on.
    pub settle: bool,
    /// Percent of the disk that are left free: below them the store refuses rows.
    pub reserve_percent: u8,
    /// Read everything back in the background after the start.
    pub check_at_start: bool,
    /// How far a commit goes.
    pub synchronous: Synchronous,
}

impl SqliteConfig {
    /// The defaults for a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            name: "store".to_owned(),
            commit_interval: Duration::ZERO,
            queue_rows: 128 << 10,
            part_bytes: 512 << 20,
            part_age: Duration::from_hours(24),
            settle_rows: 256 << 10,
            settle_age: Duration::from_mins(1),
            settle: true,
            reserve_percent: RESERVE_PERCENT,
            check_at_start: true,
            synchronous: Synchronous::Full,
        }
    }
}
