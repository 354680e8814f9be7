//! The runtime's clock as a node's clock, so that a test that pauses one pauses both.

use mainstem_model::{Clock, Monotonic, Timestamp};
use tokio::time::Instant;

/// Where the wall clock of tests begins: 2026-11-20T08:00:00Z.
const WALL_START_MICROS: i64 = 1_795_161_600_000_000;

/// A clock that moves with the runtime's.
#[derive(Debug)]
pub struct TokioClock {
    start: Instant,
}

impl TokioClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    fn elapsed_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.elapsed_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(WALL_START_MICROS.saturating_add(elapsed))
    }

    fn monotonic(&self) -> Monotonic {
        // Not zero: a moment that nobody has set must look like the past.
        Monotonic::from_micros(self.elapsed_micros() + 1)
    }
}
