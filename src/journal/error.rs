//! What can go wrong with a log.

use std::io;
use std::path::PathBuf;

use crate::frame::RECORD_BYTES_MAX;

/// Why an operation on a log failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be opened, created or repaired.
    #[error("cannot open the log {path}: check that the folder exists and belongs to mainstem")]
    Open {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process, or another part of this one, has the log open.
    #[error("the log {path} is in use: is another node running on this data folder?")]
    InUse {
        /// The log's file.
        path: PathBuf,
    },
    /// Records could not be read back.
    #[error("cannot read the log {path}")]
    Read {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record could not be appended; the log is as it was before.
    #[error("cannot append to the log {path}: is the disk full?")]
    Append {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk did not confirm; whether the records since the last sync last is unknown.
    #[error("the disk did not confirm what was written to {path}: check the disk")]
    Sync {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log could not be started anew; the old one goes on.
    #[error("cannot rotate the log {path}")]
    Rotate {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log failed earlier and takes nothing more until it is opened again.
    #[error("the log {path} failed earlier: it must be opened and verified again")]
    Failed {
        /// The log's file.
        path: PathBuf,
    },
    /// A record that is empty or larger than the limit.
    #[error("a record has 1 to {RECORD_BYTES_MAX} bytes, this one has {bytes}")]
    RecordSize {
        /// The record's size.
        bytes: usize,
    },
    /// The log has reached its size limit.
    #[error("the log {path} has reached its limit of {limit} bytes: rotate it")]
    Full {
        /// The log's file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
}
