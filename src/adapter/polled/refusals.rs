//! What a device has refused, so that it is not asked for all the time. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::{Monotonic, Reason};

use crate::{PointId, Reading};

/// After how long what was refused is tried again: a device gets a new program now and then.
pub const RETRY_AFTER: Duration = Duration::from_secs(60);
/// How many are tried again in one turn at most, so that the good ones are not held up.
pub const RETRIES_PER_TURN: usize = 40;

/// The bindings that a device has refused, by their indices, which are those of their datapoints.
/// Lasts longer than a session.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    refused: BTreeMap<usize, Refused>,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    reason: Reason,
    retry_at: Monotonic,
}

impl Refusals {
    /// Whether a binding is known to be refused.
    pub fn contains(&self, binding: usize) -> bool {
        self.refused.contains_key(&binding)
    }

    /// What to say about the refused bindings.
    pub fn readings(&self) -> impl Iterator<Item = Reading> {
        let rows = self.refused.iter();
        rows.map(|(at, refused)| Reading::failed(PointId::at(*at), refused.reason))
    }

    /// What was refused is tried again as soon as possible: a session begins, or the device has
    /// another program.
    pub fn hurry(&mut self, now: Monotonic) {
        for refused in self.refused.values_mut() {
            refused.retry_at = now;
        }
    }

    /// A binding was refused. Returns whether that is news.
    pub fn add(&mut self, binding: usize, reason: Reason, now: Monotonic) -> bool {
        let retry_at = now.after(RETRY_AFTER);
        let refused = Refused { reason, retry_at };
        self.refused.insert(binding, refused).is_none()
    }

    /// A binding was answered. Returns whether it was believed to be refused; then none is any
    /// more, as what changed for one most likely changed for others: all are tried again soon.
    pub fn answered(&mut self, binding: usize) -> bool {
        let is_news = self.refused.contains_key(&binding);
        if is_news {
            self.refused.clear();
        }
        is_news
    }

    /// Whether a refused binding is to be tried again now; after that it has to wait again.
    pub fn take_due(&mut self, binding: usize, now: Monotonic) -> bool {
        match self.refused.get_mut(&binding) {
            Some(refused) if refused.retry_at <= now => {
                refused.retry_at = now.after(RETRY_AFTER);
                true
            }
            _ => false,
        }
    }

    /// The members of a group that are to be read in this turn: those that are not refused, and
    /// some that are to be tried again.
    pub fn turn(&mut self, members: &[usize], now: Monotonic) -> Vec<usize> {
        let mut retries = 0;
        let mut due = Vec::with_capacity(members.len());
        for member in members {
            if self.contains(*member) {
                if retries == RETRIES_PER_TURN || !self.take_due(*member, now) {
                    continue;
                }
                retries += 1;
            }
            due.push(*member);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default().after(Duration::from_secs(seconds))
    }

    #[test]
    fn what_is_refused_is_left_alone_for_a_while() {
        let mut refusals = Refusals::default();
        assert!(refusals.add(1, Reason::BadAddress, at(0)));
        assert!(!refusals.add(1, Reason::BadAddress, at(0)));
        assert!(refusals.add(2, Reason::BadAddress, at(0)));
        assert_eq!(refusals.readings().count(), 2);
        assert_eq!(refusals.turn(&[0, 1, 2], at(59)), [0]);
        assert_eq!(refusals.turn(&[0, 1, 2], at(60)), [0, 1, 2]);
        assert_eq!(refusals.turn(&[0, 1, 2], at(61)), [0]);
        refusals.hurry(at(61));
        assert_eq!(refusals.turn(&[0, 1], at(61)), [0, 1]);
        assert!(!refusals.answered(0));
        assert!(refusals.answered(1));
        assert_eq!(refusals.turn(&[0, 1, 2], at(61)), [0, 1, 2]);
    }

    #[test]
    fn a_turn_tries_few_again_and_the_next_one_others() {
        let mut refusals = Refusals::default();
        let all: Vec<usize> = (0..RETRIES_PER_TURN + 5).collect();
        for binding in &all[1..] {
            refusals.add(*binding, Reason::BadAddress, at(0));
        }
        let first = refusals.turn(&all, at(60));
        assert_eq!(first, all[..=RETRIES_PER_TURN]);
        let second = refusals.turn(&all, at(61));
        assert_eq!(second[0], 0);
        assert_eq!(second[1..], all[RETRIES_PER_TURN + 1..]);
    }
}
