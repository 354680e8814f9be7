//! Rows that were stored just now, for whoever follows them.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::Row;

/// Batches that a slow follower may be behind; what it misses is told it as numbers, and it asks.
const BATCHES_MAX: usize = 32;

/// Where rows pass that are on disk since a moment.
#[derive(Clone, Debug)]
pub struct Tap {
    batches: broadcast::Sender<Arc<Vec<Row>>>,
}

impl Default for Tap {
    fn default() -> Self {
        Self {
            batches: broadcast::Sender::new(BATCHES_MAX),
        }
    }
}

impl Tap {
    /// Follows from here on.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Vec<Row>>> {
        self.batches.subscribe()
    }

    /// Rows are on disk.
    pub(crate) fn pass(&self, rows: &Arc<Vec<Row>>) {
        if self.batches.receiver_count() > 0 {
            // Nobody may be there any more.
            drop(self.batches.send(Arc::clone(rows)));
        }
    }
}
