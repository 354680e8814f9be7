//! Which items are read next. The group that has to be done first comes first, so that a fast
//! group is not held up by the many items of a slow one.

use std::collections::VecDeque;
use std::sync::Arc;

use mainstem_adapter::PollSchedule;
use mainstem_model::Monotonic;

use crate::adapter::{Group, Setup};
use crate::block::{Block, Reach, plan};
use crate::learned::Learned;
use crate::pdu::{ITEM_HEADER, ITEMS_MAX, READ_OVERHEAD, READ_REQUEST};

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    schedule: PollSchedule,
    cycles: Vec<Cycle>,
}

#[derive(Default)]
struct Cycle {
    /// What is still to be read in this turn, and whether in a request of its own.
    pending: VecDeque<(Arc<Block>, bool)>,
    /// Until when the turn should be done.
    deadline: Monotonic,
    plan: Vec<Arc<Block>>,
    planned: Option<u64>,
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
    pub(crate) fn release(
        &mut self,
        setup: &Setup,
        reach: Reach,
        learned: &mut Learned,
        now: Monotonic,
    ) -> u64 {
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
            cycle.begin(group, reach, learned, now);
        }
        overruns
    }

    /// The items for the next request, taken out: as many of one group as fit into a PDU.
    pub(crate) fn next(&mut self, pdu: usize) -> Option<(usize, Vec<Arc<Block>>)> {
        let waiting = self.cycles.iter_mut().enumerate();
        let waiting = waiting.filter(|(_, cycle)| !cycle.pending.is_empty());
        let (group, cycle) = waiting.min_by_key(|(_, cycle)| cycle.deadline)?;
        Some((group, cycle.request(pdu)))
    }

    /// Puts items where they were, each in a request of its own.
    pub(crate) fn again(&mut self, group: usize, blocks: impl IntoIterator<Item = Arc<Block>>) {
        for block in blocks {
            self.cycles[group].pending.push_front((block, true));
        }
    }

    /// Puts the members of a refused item where it was.
    pub(crate) fn divide(&mut self, group: usize, block: &Block) {
        for member in block.members.iter().rev() {
            let single = Arc::new(Block::single(*member));
            self.cycles[group].pending.push_front((single, false));
        }
    }

    /// When there will be something to do.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.schedule.next_due()
    }
}

impl Cycle {
    fn begin(&mut self, group: &Group, reach: Reach, learned: &mut Learned, now: Monotonic) {
        if self.planned != Some(learned.version()) {
            let good = group.members.iter().filter(|(at, _)| !learned.is_bad(*at));
            let good: Vec<_> = good.copied().collect();
            self.plan = plan(&good, reach, |at| learned.is_apart(at));
            self.planned = Some(learned.version());
        }
        let planned = self.plan.iter().cloned();
        let retries = learned.retries(&group.members, now);
        let all = planned.chain(retries.into_iter().map(Arc::new));
        self.pending.extend(all.map(|block| (block, false)));
    }

    fn request(&mut self, pdu: usize) -> Vec<Arc<Block>> {
        let mut blocks: Vec<Arc<Block>> = Vec::new();
        let (mut asked, mut answered) = (READ_REQUEST.0, READ_OVERHEAD);
        while let Some((block, is_alone)) = self.pending.front() {
            // Each item begins at an even place.
            let bytes = block.span.bytes();
            asked += READ_REQUEST.1;
            answered += ITEM_HEADER + bytes + bytes % 2;
            let is_full = blocks.len() == ITEMS_MAX || asked > pdu || answered > pdu || *is_alone;
            if is_full && !blocks.is_empty() {
                break;
            }
            let was_alone = *is_alone;
            blocks.extend(self.pending.pop_front().map(|(block, _)| block));
            if was_alone {
                break;
            }
        }
        blocks
    }
}
