//! What refusals have taught about a controller; kept over sessions. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mainstem_model::{Monotonic, Reason};

/// After how long a refused tag is tried again: a controller gets a new program now and then.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Refused tags tried again in one turn at most, so that the good ones are not held up.
pub(crate) const RETRIES_PER_TURN: usize = 40;

/// The experience with one controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    bad: BTreeMap<usize, Bad>,
    /// Read part by part, because an answer did not fit.
    long: BTreeSet<usize>,
    /// Whether the device takes no more than one request at a time.
    pub(crate) is_single: bool,
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    reason: Reason,
    retry_at: Monotonic,
}

impl Learned {
    /// Whether a binding has to be read part by part.
    pub(crate) fn is_long(&self, binding: usize) -> bool {
        self.long.contains(&binding)
    }

    /// A binding's answer does not fit into one.
    pub(crate) fn is_too_long(&mut self, binding: usize) {
        self.long.insert(binding);
    }

    /// The refused bindings and what to say about them.
    pub(crate) fn bad(&self) -> impl Iterator<Item = (usize, Reason)> {
        self.bad.iter().map(|(at, bad)| (*at, bad.reason))
    }

    /// A session begins: what was refused is tried again as soon as possible.
    pub(crate) fn begin(&mut self, now: Monotonic) {
        for bad in self.bad.values_mut() {
            bad.retry_at = now;
        }
        // Another device, or another firmware, may stand there now.
        self.is_single = false;
        self.long.clear();
    }

    /// A binding was refused. Returns whether that is news.
    pub(crate) fn refused(&mut self, binding: usize, reason: Reason, now: Monotonic) -> bool {
        let retry_at = now.after(RETRY_AFTER);
        self.bad.insert(binding, Bad { reason, retry_at }).is_none()
    }

    /// A binding was answered; if it was believed to be bad, it is not.
    pub(crate) fn answered(&mut self, binding: usize) {
        if self.bad.contains_key(&binding) {
            // What changed at one tag most likely changed at more: all are tried again soon.
            self.bad.clear();
        }
    }

    /// The members of a group that are to be read in this turn.
    pub(crate) fn turn(&mut self, members: &[usize], now: Monotonic) -> Vec<usize> {
        let mut retries = 0;
        let mut due = Vec::with_capacity(members.len());
        for member in members {
            match self.bad.get_mut(member) {
                None => due.push(*member),
                Some(bad) if bad.retry_at <= now && retries < RETRIES_PER_TURN => {
                    bad.retry_at = now.after(RETRY_AFTER);
                    retries += 1;
                    due.push(*member);
                }
                Some(_) => {}
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_left_alone_for_a_while() {
        let at = |seconds| Monotonic::default().after(Duration::from_secs(seconds));
        let mut learned = Learned::default();
        assert!(learned.refused(1, Reason::BadAddress, at(0)));
        assert!(!learned.refused(1, Reason::BadAddress, at(0)));
        assert!(learned.refused(2, Reason::BadAddress, at(0)));
        assert_eq!(learned.turn(&[0, 1, 2], at(59)), [0]);
        assert_eq!(learned.turn(&[0, 1, 2], at(60)), [0, 1, 2]);
        assert_eq!(learned.turn(&[0, 1, 2], at(61)), [0]);
        learned.answered(1);
        assert_eq!(learned.turn(&[0, 1, 2], at(61)), [0, 1, 2]);
    }
}
