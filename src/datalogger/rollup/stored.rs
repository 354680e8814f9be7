//! Tallies as a sink keeps them.

use super::calendar::Slot;
use super::tally::{Rolled, Tally};
use crate::{Rollup, SeriesId};

impl Rolled {
    /// As a sink keeps it.
    pub fn stored(&self, series: SeriesId) -> Rollup {
        let tally = &self.tally;
        let is_read = tally.count > 0 || tally.known > 0;
        let or_zero = |number: f64| if is_read { number } else { 0.0 };
        Rollup {
            series,
            step: self.step,
            start: self.slot.from,
            count: small(tally.count + tally.bad),
            good: small(tally.count),
            uncertain: small(tally.uncertain),
            min: or_zero(tally.min),
            max: or_zero(tally.max),
            sum: tally.sum,
            held: tally.held,
            known: tally.known,
            first: tally.first,
            last: tally.last,
            increment: tally.increment,
            across_gap: tally.across_gap,
            resets: tally.resets,
            overflows: tally.overflows,
            corrections: tally.corrections,
            rates: tally.rates.clone(),
        }
    }
}

impl From<&Rollup> for Tally {
    fn from(rollup: &Rollup) -> Self {
        let empty = Self::default();
        let is_read = rollup.good > 0 || rollup.known > 0;
        Self {
            count: u64::from(rollup.good),
            uncertain: u64::from(rollup.uncertain),
            bad: u64::from(rollup.count.saturating_sub(rollup.good)),
            first: rollup.first,
            last: rollup.last,
            min: if is_read { rollup.min } else { empty.min },
            max: if is_read { rollup.max } else { empty.max },
            sum: rollup.sum,
            held: rollup.held,
            known: rollup.known,
            increment: rollup.increment,
            across_gap: rollup.across_gap,
            resets: rollup.resets,
            overflows: rollup.overflows,
            corrections: rollup.corrections,
            rates: rollup.rates.clone(),
        }
    }
}

impl Tally {
    /// Rows in all.
    pub(super) fn rows(&self) -> u64 {
        self.count + self.bad
    }
}

/// More rows than a `u32` holds are in no slot: a month has 2.7 million milliseconds a thousand.
fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The slot of a stored roll-up.
pub(super) fn is_within(slot: Slot, from: i64, to: i64) -> bool {
    from <= slot.from && slot.from < to
}
