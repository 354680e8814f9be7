//! When to poll what: a pure schedule over groups of equal interval. No clock, no task.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::Monotonic;

/// The shortest interval; what asks for less gets this.
pub const POLL_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// A poll that begins later than this part of its interval counts as an overrun.
const LATE_PART: u64 = 4;

/// What is polled together because it has the same interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollGroup {
    /// The interval of all members.
    pub interval: Duration,
    /// Their indices in the list that [`poll_groups`] was given, ascending.
    pub members: Vec<usize>,
}

/// Puts items of equal interval into one group each, the shortest interval first.
///
/// A kind that must keep items apart for another reason (units behind a gateway) makes its own
/// groups, and gives their intervals to [`PollSchedule::new`].
pub fn poll_groups(intervals: impl IntoIterator<Item = Duration>) -> Vec<PollGroup> {
    poll_groups_of(intervals.into_iter().map(Some))
}

/// The same where some items are not polled: those without an interval are in no group.
pub fn poll_groups_of(intervals: impl IntoIterator<Item = Option<Duration>>) -> Vec<PollGroup> {
    let mut groups: BTreeMap<Duration, Vec<usize>> = BTreeMap::new();
    for (index, interval) in intervals.into_iter().enumerate() {
        if let Some(interval) = interval {
            let group = groups.entry(interval.max(POLL_INTERVAL_MIN));
            group.or_default().push(index);
        }
    }
    groups
        .into_iter()
        .map(|(interval, members)| PollGroup { interval, members })
        .collect()
}

/// The due times of a list of groups.
///
/// Every group is due at once when the schedule starts, so that each datapoint soon has a value.
/// Afterwards a group is due on a grid of its own: the grids are shifted against each other by
/// parts of the shortest interval, so that groups do not come due together for ever. A poll that
/// was missed is skipped and counted, never queued.
#[derive(Clone, Debug)]
pub struct PollSchedule {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    interval_us: u64,
    shift_us: u64,
    due: Monotonic,
    // The first grid point; only the first poll of all lies before it.
    anchor: Monotonic,
}

/// A group that has to be polled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuePoll {
    /// Its index in the list given to [`PollSchedule::new`].
    pub group: usize,
    /// When it was due.
    pub due: Monotonic,
    /// Polls skipped because their time passed, and this one if it begins markedly late: feed it
    /// to [`crate::Statistics::overrun`].
    pub overruns: u64,
}

impl PollSchedule {
    /// A schedule over groups with these intervals, all due now.
    pub fn new(intervals: impl IntoIterator<Item = Duration>, now: Monotonic) -> Self {
        let micros = |interval: Duration| {
            u64::try_from(interval.max(POLL_INTERVAL_MIN).as_micros()).unwrap_or(u64::MAX)
        };
        let intervals: Vec<u64> = intervals.into_iter().map(micros).collect();
        let shortest = intervals.iter().copied().min().unwrap_or(0);
        let count = intervals.len().max(1) as u64;
        let slot = |(index, interval_us): (usize, u64)| Slot {
            interval_us,
            shift_us: shortest / count * index as u64,
            due: now,
            anchor: now,
        };
        let mut schedule = Self {
            slots: intervals.into_iter().enumerate().map(slot).collect(),
        };
        schedule.restart(now);
        schedule
    }

    /// Makes all groups due now, as at the beginning of a session.
    pub fn restart(&mut self, now: Monotonic) {
        for slot in &mut self.slots {
            slot.due = now;
            // Shifted to the early side: no two polls are ever further apart than the interval.
            slot.anchor = later(now, slot.interval_us - slot.shift_us);
        }
    }

    /// When the next group is due; `None` if there are no groups.
    pub fn next_due(&self) -> Option<Monotonic> {
        self.slots.iter().map(|slot| slot.due).min()
    }

    /// The group that waits longest, if one is due, and moves it on to its next turn.
    ///
    /// To be called just before polling. As the longest waiting comes first, a group whose polls
    /// take longer than its interval does not starve the others.
    pub fn take_due(&mut self, now: Monotonic) -> Option<DuePoll> {
        let due_slots = self
            .slots
            .iter_mut()
            .enumerate()
            .filter(|(_, slot)| slot.due <= now);
        let (group, slot) = due_slots.min_by_key(|(_, slot)| slot.due)?;
        let due = slot.due;
        Some(DuePoll {
            group,
            due,
            overruns: slot.advance(now),
        })
    }
}

impl Slot {
    /// Moves on to the first grid point after now; returns the overruns.
    fn advance(&mut self, now: Monotonic) -> u64 {
        let next = self.point_after(now);
        let is_first = self.due < self.anchor;
        let from = if is_first {
            self.anchor.micros()
        } else {
            self.due.micros()
        };
        let passed = (next.micros().saturating_sub(from)) / self.interval_us;
        let missed = if is_first {
            passed
        } else {
            passed.saturating_sub(1)
        };
        let late_us = now.micros().saturating_sub(self.due.micros()) % self.interval_us;
        // The first polls of a session wait for each other; that is no overrun.
        let is_late = !is_first && late_us > self.interval_us / LATE_PART;
        self.due = next;
        missed + u64::from(is_late)
    }

    fn point_after(&self, now: Monotonic) -> Monotonic {
        if now < self.anchor {
            return self.anchor;
        }
        let passed = (now.micros() - self.anchor.micros()) / self.interval_us;
        later(self.anchor, (passed + 1).saturating_mul(self.interval_us))
    }
}

fn later(from: Monotonic, micros: u64) -> Monotonic {
    Monotonic::from_micros(from.micros().saturating_add(micros))
}

#[cfg(test)]
mod tests;
