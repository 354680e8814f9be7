//! Which variables are read next.

use mainstem_adapter::polled::Turns;
use mainstem_model::Monotonic;

use crate::adapter::Setup;
use crate::learned::Learned;

/// Variables in one request; Beckhoff advises to stay below 500.
pub(crate) const ITEMS_MAX: usize = 250;

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    /// The variables that are still to be read.
    pub(crate) turns: Turns<usize>,
}

impl Cycles {
    /// All groups are due now.
    pub(crate) fn new(setup: &Setup, now: Monotonic) -> Self {
        let intervals = setup.groups.iter().map(|group| group.interval);
        Self {
            turns: Turns::new(intervals, now),
        }
    }

    /// Begins the turns that are due. Returns the polls that were missed or came late.
    pub(crate) fn release(&mut self, setup: &Setup, learned: &mut Learned, now: Monotonic) -> u64 {
        self.turns.release(now, |group, pending| {
            pending.extend(learned.refusals.turn(&setup.groups[group].members, now));
        })
    }

    /// The bindings for the next request, taken out.
    pub(crate) fn next(&mut self) -> Option<(usize, Vec<usize>)> {
        let (group, pending) = self.turns.first()?;
        let count = pending.len().min(ITEMS_MAX);
        Some((group, pending.drain(..count).collect()))
    }
}
