//! Latencies by their size, exact to one part in 64.

/// Steps between two powers of two, as a power of two.
const STEP_BITS: u32 = 6;
const STEPS: u64 = 1 << STEP_BITS;

pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; 64 << STEP_BITS],
            total: 0,
            largest: 0,
        }
    }

    pub(crate) fn add(&mut self, value: u64) {
        self.counts[slot(value)] += 1;
        self.total += 1;
        self.largest = self.largest.max(value);
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// The value that so many thousandths of all do not exceed.
    pub(crate) fn quantile(&self, thousandths: u64) -> u64 {
        let rank = (self.total * thousandths).div_ceil(1000).max(1);
        let mut passed = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            passed += count;
            if passed >= rank {
                return least(slot);
            }
        }
        self.largest
    }
}

/// Small values have a slot each; above, each doubling is cut into the same number of steps.
fn slot(value: u64) -> usize {
    let doublings = value
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(STEP_BITS - 1);
    let shift = doublings.saturating_sub(1);
    let within = (value >> shift) & (STEPS - 1);
    (doublings as usize) << STEP_BITS | usize::try_from(within).unwrap_or_default()
}

fn least(slot: usize) -> u64 {
    let (doublings, within) = (slot >> STEP_BITS, slot as u64 & (STEPS - 1));
    match doublings {
        0 => within,
        _ => (STEPS + within) << (doublings - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_its_values() {
        for value in (0..10_000).chain([1 << 20, 123_456_789, u64::MAX >> 1]) {
            let low = least(slot(value));
            assert!(low <= value && value - low <= value / 64, "{value}: {low}");
        }
    }

    #[test]
    fn quantiles_are_near() {
        let mut histogram = Histogram::new();
        (1..=100_000).for_each(|value| histogram.add(value));
        for (thousandths, wanted) in [(500, 50_000), (990, 99_000), (999, 99_900)] {
            let found = histogram.quantile(thousandths);
            assert!(
                found.abs_diff(wanted) <= wanted / 60,
                "{thousandths}: {found}"
            );
        }
        assert_eq!((histogram.total(), histogram.largest()), (100_000, 100_000));
    }
}
