//! Time as the rest of the program sees it: one trait, so that tests and simulations own it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::Timestamp;

/// A reading of the monotonic clock, in microseconds since some moment of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(u64);

impl Monotonic {
    /// From microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// As microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// How long ago an earlier reading was; zero if it was not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The reading some time later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

/// The two clocks of a node. The wall clock only labels; durations come from the monotonic one.
pub trait Clock: Send + Sync {
    /// What the wall says.
    fn now(&self) -> Timestamp;

    /// The clock that never steps.
    fn monotonic(&self) -> Monotonic;
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock {
    wall: AtomicI64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// A clock that shows a moment.
    pub fn new(wall: Timestamp) -> Self {
        Self {
            wall: AtomicI64::new(wall.micros()),
            monotonic: AtomicU64::new(1),
        }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.monotonic.fetch_add(micros, Ordering::SeqCst);
        self.wall
            .fetch_add(i64::try_from(micros).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Steps the wall clock only, as somebody who sets it does.
    pub fn step_wall(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.monotonic.load(Ordering::SeqCst))
    }
}
