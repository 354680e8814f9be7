//! Which tags are read next. The group that has to be done first comes first, so that a fast
//! group is not held up by the many tags of a slow one.

use std::collections::VecDeque;

use mainstem_adapter::PollSchedule;
use mainstem_model::Monotonic;

use crate::adapter::Setup;
use crate::binding::Binding;
use crate::cip::{ANSWER_OVERHEAD, SEVERAL_OVERHEAD};
use crate::learned::Learned;

/// Bytes of a request and of an answer that every device takes without a connection of its own:
/// 504, less what hands them on and the longest way.
pub(crate) const MESSAGE_MAX: usize = 440;
/// Requests in one at most.
const REQUESTS_MAX: usize = 50;

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    schedule: PollSchedule,
    cycles: Vec<Cycle>,
}

#[derive(Default)]
struct Cycle {
    /// What is still to be read in this turn, and whether in a request of its own.
    pending: VecDeque<(usize, bool)>,
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
            let turn = learned.turn(&group.members, now);
            cycle
                .pending
                .extend(turn.into_iter().map(|member| (member, false)));
        }
        overruns
    }

    /// The bindings for the next request, taken out: as many of one group as fit into one.
    pub(crate) fn next(
        &mut self,
        bindings: &[Binding],
        is_alone: impl Fn(usize) -> bool,
    ) -> Option<(usize, Vec<usize>)> {
        let waiting = self.cycles.iter_mut().enumerate();
        let waiting = waiting.filter(|(_, cycle)| !cycle.pending.is_empty());
        let (group, cycle) = waiting.min_by_key(|(_, cycle)| cycle.deadline)?;
        let mut members = Vec::new();
        let (mut asked, mut answered) = (SEVERAL_OVERHEAD.0, SEVERAL_OVERHEAD.0);
        while let Some((member, alone)) = cycle.pending.front().copied() {
            let alone = alone || is_alone(member);
            asked += SEVERAL_OVERHEAD.1 + bindings[member].request.len();
            answered += SEVERAL_OVERHEAD.1 + answer_bytes(&bindings[member]);
            let is_full = asked > MESSAGE_MAX || answered > MESSAGE_MAX;
            let is_full = is_full || alone || members.len() == REQUESTS_MAX;
            if is_full && !members.is_empty() {
                break;
            }
            cycle.pending.pop_front();
            members.push(member);
            if alone {
                break;
            }
        }
        Some((group, members))
    }

    /// Puts bindings where they were, each for a request of its own.
    pub(crate) fn again(&mut self, group: usize, members: &[usize]) {
        for member in members.iter().rev() {
            self.cycles[group].pending.push_front((*member, true));
        }
    }

    /// When there will be something to do.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.schedule.next_due()
    }
}

/// Bytes that the answer to a binding takes at most, padded.
pub(crate) fn answer_bytes(binding: &Binding) -> usize {
    let bytes = ANSWER_OVERHEAD + binding.format.answer_bytes();
    bytes + bytes % 2
}
