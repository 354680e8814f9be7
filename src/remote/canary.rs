//! The canary of a node as somebody above sees it. Pure: told what value it has and what the
//! monotonic clock shows, it says how old it is and whether that is too old.
//!
//! A node's canary is a datapoint that changes as long as the node runs and its feed flows. How
//! long ago its last change was applied here is the one measure that passes through everything
//! that a value passes through, and in which no two clocks are compared.

use std::time::Duration;

use mainstem_model::{Monotonic, Value};

/// The datapoint of a node by its name at the node. No adapter, service or remote can be called so.
pub(crate) const NAME: &str = "canary";
/// Changes that may be left out before one is late.
const CHANGES_MISSED_MAX: u32 = 5;
/// Steps of a told age: within them nothing changes, so that a healthy link costs no rows.
const STEPS: [(u64, u64); 3] = [(60, 5), (3600, 60), (u64::MAX, 600)];

/// A canary at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryView {
    /// The path of links to its node: `line1`, or `plant1.line1`.
    pub path: String,
    /// How long ago its last change was applied here.
    pub age: Duration,
    /// From this age on it is late.
    pub limit: Duration,
    /// Whether it is late although it is shown as good.
    pub is_late: bool,
}

/// One canary, as it is watched.
#[derive(Debug)]
pub(crate) struct Canary {
    /// No limit is shorter.
    floor: Duration,
    value: Option<Value>,
    /// When its value was seen to change, or first seen.
    changed: Monotonic,
    /// Since when it is shown as good.
    good: Option<Monotonic>,
    /// Between two changes, by what it says itself: it counts the seconds of its node's life.
    pace: Duration,
}

impl Canary {
    pub(crate) fn new(floor: Duration, now: Monotonic) -> Self {
        Self {
            floor,
            value: None,
            changed: now,
            good: None,
            pace: Duration::ZERO,
        }
    }

    /// What it shows now, and whether that is shown as good.
    pub(crate) fn see(&mut self, value: Option<&Value>, is_good: bool, now: Monotonic) {
        self.good = is_good.then(|| self.good.unwrap_or(now));
        let Some(value) = value else { return };
        if self.value.as_ref() == Some(value) {
            return;
        }
        if let Some(pace) = self.value.as_ref().and_then(|old| between(old, value)) {
            self.pace = pace;
        }
        self.value = Some(value.clone());
        self.changed = now;
    }

    /// How long ago it changed here.
    pub(crate) fn age(&self, now: Monotonic) -> Duration {
        now.since(self.changed)
    }

    /// From which age on it is late.
    pub(crate) fn limit(&self) -> Duration {
        self.floor.max(self.pace * CHANGES_MISSED_MAX)
    }

    /// Whether it is too old although it is shown as good, and has been for as long.
    pub(crate) fn is_late(&self, now: Monotonic) -> bool {
        let limit = self.limit();
        let vouched = self.good.is_some_and(|good| now.since(good) >= limit);
        vouched && self.age(now) >= limit
    }
}

/// What a canary says; it is a text, so that no deadband on the way holds it back.
fn seconds(value: &Value) -> Option<f64> {
    match value {
        Value::Text(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

/// The seconds between two values; none when its node was restarted and it began anew.
fn between(old: &Value, new: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds(new)? - seconds(old)?).ok()
}

/// An age in the steps in which it is told: 0 for a canary that changes, then by 5 s, later more.
pub(crate) fn told(age: Duration) -> u64 {
    let seconds = age.as_secs();
    let step = STEPS.iter().find(|(end, _)| seconds < *end);
    let step = step.map_or(1, |(_, step)| *step);
    seconds / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: Duration = Duration::from_secs(6);

    fn at(seconds: f64) -> Monotonic {
        Monotonic::default().after(Duration::from_secs_f64(seconds))
    }

    fn shows(canary: &mut Canary, seconds: f64, is_good: bool, now: f64) {
        canary.see(Some(&Value::F64(seconds)), is_good, at(now));
    }

    #[test]
    fn a_canary_that_stops_is_late_exactly_at_its_limit() {
        let mut canary = Canary::new(FLOOR, at(0.0));
        for second in 0..10 {
            shows(&mut canary, f64::from(second), true, f64::from(second));
            assert!(!canary.is_late(at(f64::from(second))));
        }
        assert_eq!(
            (canary.age(at(12.0)), canary.limit()),
            (Duration::from_secs(3), FLOOR)
        );
        // The same again is no change, however often it comes.
        shows(&mut canary, 9.0, true, 14.0);
        assert!(!canary.is_late(at(14.999)));
        assert!(canary.is_late(at(15.0)));
        shows(&mut canary, 16.0, true, 16.0);
        assert!(!canary.is_late(at(16.0)));
    }

    #[test]
    fn what_is_not_shown_as_good_needs_no_alarm_and_gets_its_time_to_come_back() {
        let mut canary = Canary::new(FLOOR, at(0.0));
        shows(&mut canary, 1.0, false, 1.0);
        assert!(!canary.is_late(at(100.0)));
        assert_eq!(canary.age(at(100.0)), Duration::from_secs(99));
        shows(&mut canary, 1.0, true, 100.0);
        assert!(!canary.is_late(at(105.9)));
        assert!(canary.is_late(at(106.0)));
    }

    #[test]
    fn a_slow_canary_has_a_longer_limit_and_a_restarted_one_keeps_it() {
        let mut canary = Canary::new(FLOOR, at(0.0));
        shows(&mut canary, 10.0, true, 0.0);
        shows(&mut canary, 70.0, true, 60.0);
        assert_eq!(canary.limit(), Duration::from_secs(300));
        shows(&mut canary, 0.0, true, 90.0);
        assert_eq!(canary.limit(), Duration::from_secs(300));
        assert_eq!(canary.age(at(91.0)), Duration::from_secs(1));
    }

    #[test]
    fn an_age_is_told_in_steps() {
        let cases = [
            (0, 0),
            (4, 0),
            (5, 5),
            (59, 55),
            (60, 60),
            (119, 60),
            (3599, 3540),
        ];
        for (seconds, expected) in cases {
            assert_eq!(told(Duration::from_secs(seconds)), expected, "{seconds}");
        }
        assert_eq!(told(Duration::from_secs(90_001)), 90_000);
    }
}
