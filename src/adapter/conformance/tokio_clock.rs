//! The runtime's clock as a node's clock, so that a test that pauses one pauses both.

use std::time::SystemTime;

use mainstem_model::{Clock, Monotonic, Timestamp};
use tokio::time::Instant;

/// A clock that moves with the runtime's. Its wall clock begins with the machine's, because peers
/// stamp their values with that one.
#[derive(Debug)]
pub struct TokioClock {
    start: Instant,
    wall_start_micros: i64,
}

impl TokioClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            start: Instant::now(),
            wall_start_micros: i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX),
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
        Timestamp::from_micros(self.wall_start_micros.saturating_add(elapsed))
    }

    fn monotonic(&self) -> Monotonic {
        // Not zero: a moment that nobody has set must look like the past.
        Monotonic::from_micros(self.elapsed_micros() + 1)
    }
}
