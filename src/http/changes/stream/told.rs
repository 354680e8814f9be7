//! How far the reader of a stream was told, what is held back from it, and what is shown of it.

use super::Feed;
use crate::changes::pace::Pace;

impl Feed {
    /// Writes some of the rows that were held back and whose time has come; whether there were any.
    pub(super) fn tell_due(&mut self) -> bool {
        let Some(pace) = &mut self.pace else {
            return false;
        };
        if !pace.fill(&mut self.chunk, self.place) {
            return false;
        }
        self.encode();
        true
    }

    /// The entry up to which everything is told once what was written is.
    pub(super) fn covered(&self) -> u64 {
        let pace = self.pace.as_ref();
        pace.map_or(self.place, |pace| pace.covered(self.place))
    }

    /// Tells a link that what it was not told is held back: it would take it for a backlog.
    pub(super) fn tell_held(&mut self) {
        if self.told < self.place && self.looked < self.place && self.seat.has_session() {
            self.writer.held(self.place);
        }
        self.looked = self.place;
    }

    /// Notes that the reader has everything.
    pub(super) fn complete(&self) {
        let now = self.api.clock().monotonic();
        self.seat.reading.at(self.place, true, now);
    }

    /// Brings up to date what is shown of this reader.
    pub(super) fn count(&mut self) {
        let conflated = self.pace.as_ref().map_or(0, Pace::conflated);
        self.api
            .counters
            .conflated
            .inc_by(conflated - self.conflated);
        self.conflated = conflated;
        let reading = &self.seat.reading;
        reading.left_out(self.missed, conflated);
        let now = self.api.clock().monotonic();
        let is_head = *self.head.borrow() <= self.place;
        reading.at(self.place, is_head, now);
    }
}
