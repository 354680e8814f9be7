//! What refusals have taught about a PLC; kept over sessions. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::{Monotonic, Reason};

/// After how long a refused variable is tried again: a PLC gets a new program now and then.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Refused variables tried again in one turn at most, so that the good ones are not held up.
pub(crate) const RETRIES_PER_TURN: usize = 40;

/// The experience with one PLC.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    bad: BTreeMap<usize, Bad>,
    /// Whether the device reads no more than one variable at a time.
    pub(crate) is_single: bool,
    /// Whether the device tells about no more than one symbol at a time.
    pub(crate) names_single: bool,
    /// Whether the device does not count the changes of its symbols.
    pub(crate) is_uncounted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    reason: Reason,
    retry_at: Monotonic,
}

impl Learned {
    /// The refused bindings and what to say about them.
    pub(crate) fn bad(&self) -> impl Iterator<Item = (usize, Reason)> {
        self.bad.iter().map(|(at, bad)| (*at, bad.reason))
    }

    /// What was refused is tried again as soon as possible: the PLC has another program.
    pub(crate) fn hurry(&mut self, now: Monotonic) {
        for bad in self.bad.values_mut() {
            bad.retry_at = now;
        }
    }

    /// A session begins.
    pub(crate) fn begin(&mut self, now: Monotonic) {
        self.hurry(now);
        // Another device, or another firmware, may stand there now.
        self.is_single = false;
        self.names_single = false;
        self.is_uncounted = false;
    }

    /// A binding was refused. Returns whether that is news.
    pub(crate) fn refused(&mut self, binding: usize, reason: Reason, now: Monotonic) -> bool {
        let retry_at = now.after(RETRY_AFTER);
        self.bad.insert(binding, Bad { reason, retry_at }).is_none()
    }

    /// A binding was answered; if it was believed to be bad, it is not.
    pub(crate) fn answered(&mut self, binding: usize) {
        if self.bad.contains_key(&binding) {
            // What changed at one variable most likely changed at more: all are tried again soon.
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
