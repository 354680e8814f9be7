//! Which tags are read next, and how many of them in one request.

use mainstem_adapter::polled::Turns;
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
    /// The bindings that are still to be read, and whether in a request of their own.
    pub(crate) turns: Turns<(usize, bool)>,
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
            let turn = learned.refusals.turn(&setup.groups[group].members, now);
            pending.extend(turn.into_iter().map(|member| (member, false)));
        })
    }

    /// The bindings for the next request, taken out: as many of one group as fit into one.
    pub(crate) fn next(
        &mut self,
        bindings: &[Binding],
        is_alone: impl Fn(usize) -> bool,
    ) -> Option<(usize, Vec<usize>)> {
        let (group, pending) = self.turns.first()?;
        let mut members = Vec::new();
        let (mut asked, mut answered) = (SEVERAL_OVERHEAD.0, SEVERAL_OVERHEAD.0);
        while let Some((member, alone)) = pending.front().copied() {
            let alone = alone || is_alone(member);
            asked += SEVERAL_OVERHEAD.1 + bindings[member].request.len();
            answered += SEVERAL_OVERHEAD.1 + answer_bytes(&bindings[member]);
            let is_full = asked > MESSAGE_MAX || answered > MESSAGE_MAX;
            let is_full = is_full || alone || members.len() == REQUESTS_MAX;
            if is_full && !members.is_empty() {
                break;
            }
            pending.pop_front();
            members.push(member);
            if alone {
                break;
            }
        }
        Some((group, members))
    }

    /// Puts bindings where they were, each for a request of its own.
    pub(crate) fn again(&mut self, group: usize, members: &[usize]) {
        let alone = members.iter().map(|member| (*member, true));
        self.turns.again(group, alone);
    }
}

/// Bytes that the answer to a binding takes at most, padded.
pub(crate) fn answer_bytes(binding: &Binding) -> usize {
    let bytes = ANSWER_OVERHEAD + binding.format.answer_bytes();
    bytes + bytes % 2
}
