//! What lasts: an append-only log with checksums, group commit on a thread of its own, files that
//! are replaced whole, and a place beside for files that turn out to be damaged.
//!
//! Nothing here knows what it stores, and nothing here is async.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod atomic;
mod checked;
mod commit;
mod error;
mod frame;
mod log;
mod quarantine;
mod scan;

pub use atomic::{atomic_write, sync_folder_of};
pub use checked::{CHECKED_BYTES_MAX, Checked, read_checked, write_checked};
pub use commit::{
    CommitError, CommitStatistics, Done, GroupCommit, QUEUE_BYTES_MAX, QUEUE_RECORDS_MAX,
};
pub use error::LogError;
pub use frame::RECORD_BYTES_MAX;
pub use log::{AppendLog, Broken, LOG_BYTES_DEFAULT, Opened, Torn};
pub use quarantine::{BROKEN_FILES_MAX, set_aside};
pub use scan::Replay;
