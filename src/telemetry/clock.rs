//! The clocks of the machine.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mainstem_model::{Clock, Monotonic, Timestamp};

/// The moment from which monotonic readings count, one for the whole process, so that readings of
/// several nodes in it compare.
static START: OnceLock<Instant> = OnceLock::new();

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            // A clock before 1970: a dead battery, not a reason to stop.
            Err(before) => {
                i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
            }
        };
        Timestamp::from_micros(micros)
    }

    fn monotonic(&self) -> Monotonic {
        let elapsed = START.get_or_init(Instant::now).elapsed();
        // One more, so that no reading is the zero that stands for never.
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX - 1);
        Monotonic::from_micros(micros.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go() {
        let clock = SystemClock;
        let (wall, first) = (clock.now(), clock.monotonic());
        assert!(first.micros() >= 1);
        assert!(wall >= Timestamp::PLAUSIBLE_MIN && wall <= Timestamp::PLAUSIBLE_MAX);
        while clock.monotonic() == first {}
        assert!(SystemClock.monotonic() > first);
    }
}
