//! What is asked for next. The group that has to be done first comes first, so that a fast group
//! is not held up by the many properties of a slow one. Pure.

use std::collections::VecDeque;

use mainstem_adapter::PollSchedule;
use mainstem_model::Monotonic;

use crate::adapter::Setup;
use crate::data_type::DataType;
use crate::learned::Learned;

/// Bytes of a request or an answer that are no values, network layer included.
const OVERHEAD: usize = 32;
/// Bytes that a number, its property and its object take in an answer.
const NUMBER: usize = 24;
/// Bytes that a text or a list is expected to take.
const TEXT: usize = 64;
/// Bytes that status flags take.
const FLAGS: usize = 8;

/// Bindings of one request.
pub(crate) type Batch = Vec<usize>;

/// The poll cycles of all groups during one session.
pub(crate) struct Cycles {
    schedule: PollSchedule,
    turns: Vec<Turn>,
}

#[derive(Default)]
struct Turn {
    /// What is still to be read.
    pending: VecDeque<Batch>,
    /// Until when it should be done.
    deadline: Monotonic,
}

impl Cycles {
    /// All groups are due now.
    pub(crate) fn new(setup: &Setup, now: Monotonic) -> Self {
        let intervals = setup.groups.iter().map(|group| group.interval);
        Self {
            schedule: PollSchedule::new(intervals, now),
            turns: setup.groups.iter().map(|_| Turn::default()).collect(),
        }
    }

    /// Begins the turns that are due, with the bindings that have to be asked for. Returns the
    /// polls that were missed or came late.
    pub(crate) fn release(
        &mut self,
        setup: &Setup,
        learned: &Learned,
        apdu_max: u16,
        now: Monotonic,
        is_wanted: impl Fn(usize) -> bool,
    ) -> u64 {
        let mut overruns = 0;
        while let Some(due) = self.schedule.take_due(now) {
            overruns += due.overruns;
            let (group, turn) = (&setup.groups[due.group], &mut self.turns[due.group]);
            if !turn.pending.is_empty() {
                // The last turn has not ended: this one is left out.
                overruns += 1;
                continue;
            }
            let wanted = group
                .members
                .iter()
                .copied()
                .filter(|index| is_wanted(*index));
            turn.pending = batches(setup, learned, apdu_max, wanted);
            turn.deadline = now.after(group.interval);
        }
        overruns
    }

    /// What has to be asked for next, and for which group.
    pub(crate) fn next(&mut self) -> Option<(usize, Batch)> {
        let waiting = self.turns.iter_mut().enumerate();
        let waiting = waiting.filter(|(_, turn)| !turn.pending.is_empty());
        let (group, turn) = waiting.min_by_key(|(_, turn)| turn.deadline)?;
        turn.pending.pop_front().map(|batch| (group, batch))
    }

    /// Asks for these again, before what else is waiting.
    pub(crate) fn again(&mut self, group: usize, batch: Batch) {
        if !batch.is_empty() {
            self.turns[group].pending.push_front(batch);
        }
    }

    /// When the next turn begins.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.schedule.next_due()
    }
}

fn batches(
    setup: &Setup,
    learned: &Learned,
    apdu_max: u16,
    wanted: impl Iterator<Item = usize>,
) -> VecDeque<Batch> {
    let room = usize::from(apdu_max).saturating_sub(OVERHEAD);
    let most = learned.batch();
    let mut batches = VecDeque::new();
    let (mut batch, mut properties, mut bytes) = (Batch::new(), 0, 0);
    for index in wanted {
        let (more, size) = needs(setup, learned, index);
        if !batch.is_empty() && (properties + more > most || bytes + size > room) {
            batches.push_back(std::mem::take(&mut batch));
            (properties, bytes) = (0, 0);
        }
        batch.push(index);
        properties += more;
        bytes += size;
    }
    if !batch.is_empty() {
        batches.push_back(batch);
    }
    batches
}

/// Properties that are asked for on behalf of a binding, and the bytes that they may take.
fn needs(setup: &Setup, learned: &Learned, index: usize) -> (usize, usize) {
    let binding = &setup.bindings[index];
    let size = match binding.data_type {
        DataType::CharacterString | DataType::OctetString | DataType::Json => TEXT,
        _ => NUMBER,
    };
    let flags = setup.config.status_flags && binding.has_flags() && learned.has_flags(index);
    match flags {
        true => (2, size + FLAGS),
        false => (1, size),
    }
}
