//! Which block is read next. The group that has to be done first comes first, so that a fast
//! group is not held up by the many blocks of a slow one.

use std::collections::VecDeque;
use std::sync::Arc;

use mainstem_adapter::PollSchedule;
use mainstem_model::Monotonic;

use crate::adapter::{Experience, Group, Setup};
use crate::block::{Block, Member, plan};
use crate::unit::Unit;

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    schedule: PollSchedule,
    cycles: Vec<Cycle>,
}

#[derive(Default)]
struct Cycle {
    /// What is still to be read in this turn.
    pending: VecDeque<Arc<Block>>,
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
        experience: &mut Experience,
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
            cycle.begin(group, setup, experience, now);
        }
        overruns
    }

    /// The block to read now, taken out. What a down unit would have to read is dropped.
    pub(crate) fn next(
        &mut self,
        setup: &Setup,
        units: &[Unit],
        now: Monotonic,
    ) -> Option<(usize, Arc<Block>)> {
        for (group, cycle) in setup.groups.iter().zip(&mut self.cycles) {
            if !units[group.unit].may_poll(now) {
                cycle.pending.clear();
            }
        }
        let waiting = self
            .cycles
            .iter_mut()
            .enumerate()
            .filter(|(_, c)| !c.pending.is_empty());
        let (group, cycle) = waiting.min_by_key(|(_, cycle)| cycle.deadline)?;
        cycle.pending.pop_front().map(|block| (group, block))
    }

    /// Puts the halves of a refused block where the block was.
    pub(crate) fn divide(&mut self, group: usize, left: Block, right: Block) {
        let pending = &mut self.cycles[group].pending;
        pending.push_front(Arc::new(right));
        pending.push_front(Arc::new(left));
    }

    /// A block that found no answer is tried again, after the others of its turn.
    pub(crate) fn again(&mut self, group: usize, block: Arc<Block>) {
        self.cycles[group].pending.push_back(block);
    }

    /// Everything of a unit is read anew, out of turn: what was read before is not vouched for.
    pub(crate) fn read_again(
        &mut self,
        unit: usize,
        setup: &Setup,
        experience: &mut Experience,
        now: Monotonic,
    ) {
        for (group, cycle) in setup.groups.iter().zip(&mut self.cycles) {
            if group.unit == unit {
                cycle.pending.clear();
                cycle.deadline = now.after(group.interval);
                cycle.begin(group, setup, experience, now);
            }
        }
    }

    /// When there will be something to do.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.schedule.next_due()
    }
}

impl Cycle {
    fn begin(&mut self, group: &Group, setup: &Setup, experience: &mut Experience, now: Monotonic) {
        let learned = experience.entry((group.unit, group.table)).or_default();
        if self.planned != Some(learned.version()) {
            let good = |member: &&Member| !learned.is_bad(member.0);
            let members: Vec<Member> = group.members.iter().filter(good).copied().collect();
            self.plan = plan(
                &members,
                setup.reach(group.table, group.alone),
                &learned.barriers(),
            );
            self.planned = Some(learned.version());
        }
        self.pending.extend(self.plan.iter().cloned());
        let retries = learned.retries(&group.members, now);
        self.pending.extend(retries.into_iter().map(Arc::new));
    }
}

#[cfg(test)]
mod tests;
