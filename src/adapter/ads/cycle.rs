//! Which variables are read next. The group that has to be done first comes first, so that a fast
//! group is not held up by the many variables of a slow one.

use std::collections::VecDeque;

use mainstem_adapter::PollSchedule;
use mainstem_model::Monotonic;

use crate::adapter::Setup;
use crate::learned::Learned;

/// Variables in one request; Beckhoff advises to stay below 500.
pub(crate) const ITEMS_MAX: usize = 250;

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    schedule: PollSchedule,
    cycles: Vec<Cycle>,
}

#[derive(Default)]
struct Cycle {
    /// What is still to be read in this turn.
    pending: VecDeque<usize>,
    /// Until when the turn should be done.
    deadline: Monotonic,
}

impl Cycles {
    /// All groups are due now.
    pub(crate) fn new(setup: &Setup, now: Monotonic) -> Self {
        let intervals = setup.groups.iter().map(|group| group.interval);
        let cycles = setup.groups.iter().map(|_| Cycle::default()).collect();
        Self {
            schedule: PollSchedule::new(intervals, now),
            cycles,
        }
    }

    /// Begins the turns that are due. Returns the polls that were missed or came late.
    pub(crate) fn release(&mut self, setup: &Setup, learned: &mut Learned, now: Monotonic) -> u64 {
        let mut overruns = 0;
        while let Some(due) = self.schedule.take_due(now) {
            overruns += due.overruns;
            let (group, cycle) = (&setup.groups[due.group], &mut self.cycles[due.group]);
            if !cycle.pending.is_empty() {
                // The turn before has not ended: this one is left out.
                overruns += 1;
                continue;
            }
            cycle.deadline = due.due.after(group.interval);
            cycle.pending.extend(learned.turn(&group.members, now));
        }
        overruns
    }

    /// The bindings for the next request, taken out.
    pub(crate) fn next(&mut self) -> Option<(usize, Vec<usize>)> {
        let waiting = self.cycles.iter_mut().enumerate();
        let waiting = waiting.filter(|(_, cycle)| !cycle.pending.is_empty());
        let (group, cycle) = waiting.min_by_key(|(_, cycle)| cycle.deadline)?;
        let count = cycle.pending.len().min(ITEMS_MAX);
        Some((group, cycle.pending.drain(..count).collect()))
    }

    /// Puts bindings where they were.
    pub(crate) fn again(&mut self, group: usize, members: &[usize]) {
        for member in members.iter().rev() {
            self.cycles[group].pending.push_front(*member);
        }
    }

    /// When there will be something to do.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.schedule.next_due()
    }
}
