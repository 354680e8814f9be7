//! When which nodes are read. Pure: time comes in as an argument.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mainstem_adapter::PointId;
use tokio::time::Instant;

/// Groups of polled points, by interval.
pub(crate) struct Polls {
    groups: Vec<Group>,
    waiting: VecDeque<Batch>,
    batch_max: usize,
}

struct Group {
    interval: Duration,
    points: Vec<PointId>,
    next: Instant,
    unfinished: usize,
}

/// Points to read in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    group: usize,
    /// What to read.
    pub(crate) points: Vec<PointId>,
}

impl Polls {
    /// All groups are due at once.
    pub(crate) fn new(
        groups: BTreeMap<Duration, Vec<PointId>>,
        batch_max: usize,
        now: Instant,
    ) -> Self {
        let groups = groups
            .into_iter()
            .map(|(interval, points)| Group {
                interval,
                points,
                next: now,
                unfinished: 0,
            })
            .collect();
        Self {
            groups,
            waiting: VecDeque::new(),
            batch_max: batch_max.max(1),
        }
    }

    /// Queues points that are read once, outside of any group.
    pub(crate) fn once(&mut self, points: &[PointId]) {
        for points in points.chunks(self.batch_max) {
            self.waiting.push_back(Batch {
                group: usize::MAX,
                points: points.to_vec(),
            });
        }
    }

    /// When [`Self::tick`] has to be called next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.groups.iter().map(|group| group.next).min()
    }

    /// Queues what is due and gives the number of polls that were left out because the one
    /// before had not ended. A group is queued once at most, so the queue is bounded.
    pub(crate) fn tick(&mut self, now: Instant) -> u64 {
        let mut missed = 0;
        for (index, group) in self.groups.iter_mut().enumerate() {
            if group.next > now {
                continue;
            }
            if group.unfinished > 0 {
                missed += 1;
            } else {
                for points in group.points.chunks(self.batch_max) {
                    group.unfinished += 1;
                    self.waiting.push_back(Batch {
                        group: index,
                        points: points.to_vec(),
                    });
                }
            }
            group.next += group.interval;
            // Whoever slept over several turns takes the next one, and does not catch up.
            if group.next <= now {
                let late = now.duration_since(group.next).as_micros();
                let turns = late / group.interval.as_micros().max(1) + 1;
                missed += u64::try_from(turns).unwrap_or(u64::MAX);
                group.next = now + group.interval;
            }
        }
        missed
    }

    /// The next batch to read, if one waits.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        self.waiting.pop_front()
    }

    /// A batch was answered, or given up.
    pub(crate) fn finished(&mut self, batch: &Batch) {
        if let Some(group) = self.groups.get_mut(batch.group) {
            group.unfinished = group.unfinished.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_cut_into_batches_and_never_overlap() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let points: Vec<_> = (0..5).map(PointId).collect();
        let mut polls = Polls::new(BTreeMap::from([(second, points)]), 2, start);
        assert_eq!(polls.tick(start), 0);
        let batches: Vec<_> = std::iter::from_fn(|| polls.take()).collect();
        assert_eq!(
            batches
                .iter()
                .map(|batch| batch.points.len())
                .collect::<Vec<_>>(),
            [2, 2, 1]
        );
        assert_eq!(polls.next_due(), Some(start + second));

        assert_eq!(
            polls.tick(start + second),
            1,
            "the first poll is still under way"
        );
        assert!(polls.take().is_none());
        batches.iter().for_each(|batch| polls.finished(batch));
        assert_eq!(polls.tick(start + 2 * second), 0);
        assert!(polls.take().is_some());
    }

    #[test]
    fn what_was_slept_over_is_counted_and_not_caught_up() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut polls = Polls::new(BTreeMap::from([(second, vec![PointId(0)])]), 10, start);
        assert_eq!(polls.tick(start + 5 * second), 5);
        assert_eq!(polls.next_due(), Some(start + 6 * second));
        assert!(polls.take().is_some());
        assert!(polls.take().is_none());
    }
}
