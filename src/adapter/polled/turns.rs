//! What is read next. The group that has to be done first comes first, so that a fast group is not
//! held up by the many items of a slow one. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use mainstem_model::Monotonic;

use crate::PollSchedule;

/// The poll turns of all groups during one session, over whatever a kind reads at a time.
#[derive(Debug)]
pub struct Turns<T> {
    schedule: PollSchedule,
    turns: Vec<Turn<T>>,
}

#[derive(Debug)]
struct Turn<T> {
    interval: Duration,
    /// What is still to be read in this turn.
    pending: VecDeque<T>,
    /// Until when the turn should be done.
    deadline: Monotonic,
}

impl<T> Turns<T> {
    /// Groups with these intervals, all due now.
    pub fn new(intervals: impl IntoIterator<Item = Duration>, now: Monotonic) -> Self {
        let turn = |interval| Turn {
            interval,
            pending: VecDeque::new(),
            deadline: Monotonic::default(),
        };
        let turns: Vec<Turn<T>> = intervals.into_iter().map(turn).collect();
        let intervals = turns.iter().map(|turn| turn.interval);
        Self {
            schedule: PollSchedule::new(intervals, now),
            turns,
        }
    }

    /// Begins the turns that are due: `fill` is told each group, and puts into the queue what is to
    /// be read. Returns the polls that were missed or came late.
    pub fn release(
        &mut self,
        now: Monotonic,
        mut fill: impl FnMut(usize, &mut VecDeque<T>),
    ) -> u64 {
        let mut overruns = 0;
        while let Some(due) = self.schedule.take_due(now) {
            overruns += due.overruns;
            let turn = &mut self.turns[due.group];
            if !turn.pending.is_empty() {
                // The turn before has not ended: this one is left out.
                overruns += 1;
                continue;
            }
            turn.deadline = due.due.after(turn.interval);
            fill(due.group, &mut turn.pending);
        }
        overruns
    }

    /// The group that has to be done first, and what is still to be read of it: something.
    pub fn first(&mut self) -> Option<(usize, &mut VecDeque<T>)> {
        let waiting = self.turns.iter_mut().enumerate();
        let waiting = waiting.filter(|(_, turn)| !turn.pending.is_empty());
        let (group, turn) = waiting.min_by_key(|(_, turn)| turn.deadline)?;
        Some((group, &mut turn.pending))
    }

    /// Puts items where they were, in their order.
    pub fn again(
        &mut self,
        group: usize,
        items: impl IntoIterator<Item = T, IntoIter: DoubleEndedIterator>,
    ) {
        for item in items.into_iter().rev() {
            self.turns[group].pending.push_front(item);
        }
    }

    /// When there will be something to do.
    pub fn next_due(&self) -> Option<Monotonic> {
        self.schedule.next_due()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default().after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_group_that_has_to_be_done_first_comes_first() {
        let intervals = [Duration::from_secs(10), Duration::from_secs(1)];
        let mut turns = Turns::new(intervals, at(0));
        let overruns = turns.release(at(0), |group, queue| {
            queue.extend([10 * group, 10 * group + 1]);
        });
        assert_eq!(overruns, 0);
        let (group, queue) = turns.first().unwrap();
        assert_eq!((group, queue.pop_front()), (1, Some(10)));
        turns.again(1, [7, 8]);
        let (group, queue) = turns.first().unwrap();
        assert_eq!((group, queue.drain(..).collect()), (1, vec![7, 8, 11]));
        let (group, queue) = turns.first().unwrap();
        assert_eq!((group, queue.len()), (0, 2));
    }

    #[test]
    fn a_turn_that_has_not_ended_is_not_begun_again() {
        let mut turns = Turns::new([Duration::from_secs(1)], at(0));
        let mut begun = 0;
        turns.release(at(0), |_, queue| queue.push_back(()));
        let due = turns.next_due().unwrap();
        let overruns = turns.release(due, |_, _| begun += 1);
        assert_eq!((overruns, begun), (1, 0));
        turns.first().unwrap().1.clear();
        let due = turns.next_due().unwrap();
        let overruns = turns.release(due, |_, _| begun += 1);
        assert_eq!((overruns, begun), (0, 1));
    }
}
