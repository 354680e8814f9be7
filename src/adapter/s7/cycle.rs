//! Which items are read next, and how many of them in one request.

use std::collections::VecDeque;
use std::sync::Arc;

use mainstem_adapter::polled::Turns;
use mainstem_model::Monotonic;

use crate::adapter::{Group, Setup};
use crate::block::{Block, Reach, plan};
use crate::learned::Learned;
use crate::pdu::{ITEM_HEADER, ITEMS_MAX, READ_OVERHEAD, READ_REQUEST};

/// An item, and whether it is read in a request of its own.
type Pending = (Arc<Block>, bool);

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    /// The items that are still to be read.
    pub(crate) turns: Turns<Pending>,
    plans: Vec<Plan>,
}

/// The items of a group's good addresses.
#[derive(Default)]
struct Plan {
    items: Vec<Arc<Block>>,
    version: Option<u64>,
}

impl Cycles {
    /// All groups are due now.
    pub(crate) fn new(setup: &Setup, now: Monotonic) -> Self {
        let intervals = setup.groups.iter().map(|group| group.interval);
        let plans = setup.groups.iter().map(|_| Plan::default()).collect();
        Self {
            turns: Turns::new(intervals, now),
            plans,
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
        let plans = &mut self.plans;
        self.turns.release(now, |group, pending| {
            let (plan, group) = (&mut plans[group], &setup.groups[group]);
            plan.renew(group, reach, learned);
            let retries = learned.retries(&group.members, now);
            let all = plan.items.iter().cloned();
            let all = all.chain(retries.into_iter().map(Arc::new));
            pending.extend(all.map(|block| (block, false)));
        })
    }

    /// The items for the next request, taken out: as many of one group as fit into a PDU.
    pub(crate) fn next(&mut self, pdu: usize) -> Option<(usize, Vec<Arc<Block>>)> {
        let (group, pending) = self.turns.first()?;
        Some((group, request(pending, pdu)))
    }

    /// Puts items where they were, each in a request of its own.
    pub(crate) fn again(
        &mut self,
        group: usize,
        blocks: impl IntoIterator<Item = Arc<Block>, IntoIter: DoubleEndedIterator>,
    ) {
        let alone = blocks.into_iter().map(|block| (block, true));
        self.turns.again(group, alone);
    }

    /// Puts the members of a refused item where it was.
    pub(crate) fn divide(&mut self, group: usize, block: &Block) {
        let singles = block.members.iter().map(|member| Block::single(*member));
        self.turns
            .again(group, singles.map(|single| (Arc::new(single), false)));
    }
}

impl Plan {
    fn renew(&mut self, group: &Group, reach: Reach, learned: &Learned) {
        if self.version != Some(learned.version()) {
            let good = group.members.iter();
            let good = good.filter(|(at, _)| !learned.refusals.contains(*at));
            let good: Vec<_> = good.copied().collect();
            self.items = plan(&good, reach, |at| learned.is_apart(at));
            self.version = Some(learned.version());
        }
    }
}

fn request(pending: &mut VecDeque<Pending>, pdu: usize) -> Vec<Arc<Block>> {
    let mut blocks: Vec<Arc<Block>> = Vec::new();
    let (mut asked, mut answered) = (READ_REQUEST.0, READ_OVERHEAD);
    while let Some((block, is_alone)) = pending.front() {
        // Each item begins at an even place.
        let bytes = block.span.bytes();
        asked += READ_REQUEST.1;
        answered += ITEM_HEADER + bytes + bytes % 2;
        let is_full = blocks.len() == ITEMS_MAX || asked > pdu || answered > pdu || *is_alone;
        if is_full && !blocks.is_empty() {
            break;
        }
        let was_alone = *is_alone;
        blocks.extend(pending.pop_front().map(|(block, _)| block));
        if was_alone {
            break;
        }
    }
    blocks
}
