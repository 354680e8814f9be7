//! What a reader of the latest leaves out, so that a narrow line carries something of everything.

use crate::catalogue::Slot;
use crate::chunk::Chunk;
use crate::log::{Entry, SampleEntry};
use crate::scan::Scan;
use crate::state::State;

use super::{Delivery, Phase, Progress, Reader};

/// A reader of the latest that is behind by more entries, and by more than a quarter of the
/// datapoints, takes what changed in the order of numbers instead of the log. In the log's order
/// chance would decide which datapoint is told on a line that is too narrow for all of them; this
/// way each has its turn, and names in order compress far better.
const CONFLATED_FROM: u64 = 16 * 1024;

impl Reader {
    /// Whether a reader of the latest has this sample or a newer one already. The newest one of a
    /// datapoint is told where its oldest waits, and not where it stands itself: so whoever is at a
    /// place of the log has nothing older than that place, however often a datapoint changes.
    pub(super) fn is_told(&mut self, sample: &SampleEntry, sequence: u64, slot: &Slot) -> bool {
        let told = self.ahead.get(&sample.point).copied().unwrap_or(0);
        if told == sequence {
            self.ahead.remove(&sample.point);
            return true;
        }
        self.missed += u64::from(slot.sequence != sequence);
        if told > sequence {
            return true;
        }
        if slot.sequence > sequence {
            self.ahead.insert(sample.point, slot.sequence);
        }
        false
    }

    pub(super) fn is_far_behind(&self, state: &State, next: u64) -> bool {
        let waiting = (state.log.head() + 1).saturating_sub(next);
        self.delivery == Delivery::Latest
            && waiting > CONFLATED_FROM.max(state.catalogue.len() as u64 / 4)
            && next > state.catalogue.forgotten
    }

    pub(super) fn conflate(&mut self, state: &State, chunk: &mut Chunk, next: u64) -> Progress {
        let until = state.log.head();
        self.missed += (until + 1).saturating_sub(next);
        self.ahead.clear();
        // Events are not conflated.
        if self.events.is_some() {
            for (sequence, entry) in state.log.from(next).into_iter().flatten() {
                if let Entry::Event(_) = entry {
                    self.entry(state, chunk, sequence, entry);
                }
            }
        }
        self.phase = Phase::Scan(Scan::conflating(next - 1, until));
        Progress::More
    }
}
