//! The time stamps of the route. To a client they are HSYCO's opaque microseconds: whole numbers
//! between 2^50 and 2^53, so that a double holds them, that grow with every change.
//!
//! Here they are places in the feed. A stamp counts only if this very gate gave it out: one from
//! another life of the feed, or from other settings of the route, is unknown, and who comes with
//! it gets everything. So neither a clock step nor a restart nor a restored backup hides a change.

use std::collections::BTreeSet;

use mainstem_wire::Epoch;

/// Stamps begin here.
const FLOOR: u64 = 1 << 50;
/// Stamps of one life of the feed, by its number.
const SLOT: u64 = 1 << 41;
/// Lives after which the numbers begin again; the last slot stays free, so that none is too large.
const SLOTS: u64 = ((1 << 53) - FLOOR) / SLOT - 1;
/// Stamps that are remembered; an older one is as good as unknown.
const REMEMBERED_MAX: usize = 16_384;

#[derive(Debug)]
pub(super) struct Stamps {
    base: u64,
    given: BTreeSet<u64>,
}

impl Stamps {
    /// The stamps of a gate. Later gates of one life have larger ones; a random beginning within
    /// the slot keeps two lives apart that have the same number because of a restored backup.
    pub(super) fn new(epoch: Epoch, generation: u64) -> Self {
        let slot = FLOOR + u64::from(epoch.counter) % SLOTS * SLOT;
        Self {
            base: slot + epoch.random % (SLOT / 2) + generation,
            given: BTreeSet::new(),
        }
    }

    /// The stamp of a place in the feed.
    pub(super) fn give(&mut self, place: u64) -> u64 {
        let stamp = self.base + place;
        self.given.insert(stamp);
        if self.given.len() > REMEMBERED_MAX {
            self.given.pop_first();
        }
        stamp
    }

    /// The place of a stamp that was given out here.
    pub(super) fn place(&self, stamp: u64) -> Option<u64> {
        self.given.contains(&stamp).then(|| stamp - self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(counter: u32, random: u64) -> Epoch {
        Epoch { counter, random }
    }

    #[test]
    fn a_stamp_is_exact_in_a_double_and_grows() {
        let mut last = 0;
        for counter in [0, 1, 2, 3000] {
            let mut stamps = Stamps::new(epoch(counter, u64::MAX), 1);
            for place in [0, 1, 2, 1 << 39] {
                let stamp = stamps.give(place);
                assert!(stamp > last && (1 << 50..1 << 53).contains(&stamp));
                #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
                #[expect(clippy::cast_sign_loss, reason = "that nothing is lost is the point")]
                let through = stamp as f64 as u64;
                assert_eq!(through, stamp);
                assert_eq!(stamps.place(stamp), Some(place));
                last = stamp;
            }
        }
    }

    #[test]
    fn no_number_of_restarts_makes_it_too_large() {
        for counter in [u32::MAX, 3581, 3582, 3583, 3584] {
            let stamp = Stamps::new(epoch(counter, u64::MAX), 7).give(1 << 40);
            assert!(stamp < 1 << 53, "{counter}");
        }
    }

    #[test]
    fn only_what_was_given_out_here_is_known() {
        let mut stamps = Stamps::new(epoch(6, 1), 1);
        let first = stamps.give(100);
        for unknown in [1, first - 1, first + 1, 1_403_628_740_123_000, u64::MAX] {
            assert_eq!(stamps.place(unknown), None);
        }
        assert_eq!(Stamps::new(epoch(7, 1), 1).place(first), None);
        // Other settings: the same place has another stamp, and a larger one.
        let mut next = Stamps::new(epoch(6, 1), 2);
        assert!(next.give(100) > first);
        assert_eq!(next.place(first), None);
        for place in 0..REMEMBERED_MAX as u64 {
            stamps.give(1000 + place);
        }
        assert_eq!(stamps.place(first), None, "too old");
    }
}
