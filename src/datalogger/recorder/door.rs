//! Rows that somebody brings: imported ones, and edits. They get their numbers where recorded rows
//! get theirs, so that no number is given out twice, and wait for the disk in the same spool.

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};

use crate::{Row, SeriesId};

/// Batches that wait to be taken.
const WAITING_MAX: usize = 4;
/// Rows of one batch.
pub const BROUGHT_ROWS_MAX: usize = 16_384;

/// Why rows were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BringError {
    /// The loggers are being stopped. Whether the rows were stored is not known.
    #[error("the data loggers are being stopped")]
    Stopped,
    /// There are more rows than one batch has.
    #[error("a batch has at most {BROUGHT_ROWS_MAX} rows")]
    TooMany,
}

/// A batch on its way to the recorder.
pub(crate) struct Brought {
    pub(crate) series: SeriesId,
    /// Their numbers are not given yet.
    pub(crate) rows: Vec<Row>,
    pub(crate) stored: oneshot::Sender<(u64, u64)>,
}

/// Where rows are brought.
pub struct Door {
    inside: mpsc::Sender<Brought>,
    outside: Mutex<Option<mpsc::Receiver<Brought>>>,
    /// Whoever looks at what is there before he brings something does it alone.
    alone: Semaphore,
}

impl Default for Door {
    fn default() -> Self {
        let (inside, outside) = mpsc::channel(WAITING_MAX);
        Self {
            inside,
            outside: Mutex::new(Some(outside)),
            alone: Semaphore::new(1),
        }
    }
}

impl Door {
    /// The recorder's end; it is there once.
    pub(crate) fn open(&self) -> Option<mpsc::Receiver<Brought>> {
        self.outside.lock().take()
    }

    /// Waits until nobody else brings anything. Nothing if the loggers are being stopped.
    pub async fn alone(&self) -> Option<SemaphorePermit<'_>> {
        self.alone.acquire().await.ok()
    }

    /// Brings rows of one series in one piece: all of them are stored, or none is. Their numbers are
    /// given here. Resolves when they are on disk, with the first and the last of their numbers.
    pub async fn bring(&self, series: SeriesId, rows: Vec<Row>) -> Result<(u64, u64), BringError> {
        if rows.len() > BROUGHT_ROWS_MAX {
            return Err(BringError::TooMany);
        }
        let (stored, told) = oneshot::channel();
        let brought = Brought {
            series,
            rows,
            stored,
        };
        let taken = self.inside.send(brought).await;
        taken.map_err(|_| BringError::Stopped)?;
        told.await.map_err(|_| BringError::Stopped)
    }
}
