//! Why a sink did not do what it was asked.

use std::path::PathBuf;

use crate::Row;

/// Why an operation of a sink failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SinkError {
    /// More waits than the disk takes; the same call may succeed a moment later.
    #[error("more samples wait to be stored than the disk takes: try again in a moment")]
    Full,
    /// The store cannot write now; it tries again by itself and says so on the board of problems.
    #[error("the data logger store {path} cannot write: {reason}")]
    Failed {
        /// The store's folder or file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The store has been stopped.
    #[error("the data logger store has been stopped")]
    Stopped,
    /// The store could not be opened.
    #[error("cannot open the data logger store {path}: {reason}")]
    Open {
        /// The store's folder or file.
        path: PathBuf,
        /// What was wrong, and what to do.
        reason: String,
    },
    /// Something could not be read back.
    #[error("cannot read the data logger store {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// What was read back is not what was written. Nothing of it is given out.
    #[error("the data logger file {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// No series has this number here.
    #[error("the data logger store knows no series {0}")]
    UnknownSeries(u32),
    /// The rows of a series would arrive in more pieces than are kept apart.
    #[error("rows of series {0} arrive in too many pieces: send the missing ones first")]
    Scattered(u32),
    /// A row breaks a limit.
    #[error("a row of series {series} is not valid: {reason}")]
    Invalid {
        /// The series.
        series: u32,
        /// Which limit.
        reason: &'static str,
    },
}

/// Rows that were not stored, given back with the reason. None of them was acknowledged. After
/// [`SinkError::Failed`] some may be on disk nevertheless: appending the same rows again is right,
/// the store keeps each row once.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// Why.
    #[source]
    pub error: SinkError,
    /// The rows, as they were handed over.
    pub rows: Vec<Row>,
}
