//! Which rows of a series are superseded by edits.

/// Stretches of one series that are kept apart.
pub(crate) const STRETCHES_MAX: usize = 16 << 10;
/// Edits of one series whose numbers are remembered, the newest ones.
pub(crate) const EDITS_KEPT: usize = 1000;

/// From a time to before another, rows below a number are superseded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) below: u64,
}

/// What the edits of a series hide: disjoint stretches in the order of time. Edits may come in any
/// order, twice, and in pieces: the result is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Superseded {
    stretches: Vec<Stretch>,
    /// The row numbers of the edits, ascending.
    edits: Vec<u64>,
}

impl Superseded {
    /// As it was read back.
    pub(crate) fn of(stretches: Vec<Stretch>, edits: Vec<u64>) -> Self {
        Self { stretches, edits }
    }

    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    pub(crate) fn edits(&self) -> &[u64] {
        &self.edits
    }

    /// Whether a row is superseded.
    pub(crate) fn hides(&self, time: i64, row: u64) -> bool {
        let after = self
            .stretches
            .partition_point(|stretch| stretch.from <= time);
        let found = after.checked_sub(1).map(|place| self.stretches[place]);
        found.is_some_and(|stretch| time < stretch.to && row < stretch.below)
    }

    /// Adds an edit.
    pub(crate) fn insert(&mut self, from: i64, to: i64, row: u64) {
        self.remember(row);
        self.overlay(Stretch {
            from,
            to,
            below: row,
        });
    }

    fn remember(&mut self, row: u64) {
        if let Err(place) = self.edits.binary_search(&row) {
            self.edits.insert(place, row);
            if self.edits.len() > EDITS_KEPT {
                self.edits.remove(0);
            }
        }
    }

    /// Lays a stretch over the others; where they overlap the higher number holds.
    fn overlay(&mut self, new: Stretch) {
        if new.from >= new.to {
            return;
        }
        let mut at = new.from;
        for old in std::mem::take(&mut self.stretches) {
            let is_behind = old.from >= new.to;
            if is_behind || old.to <= new.from {
                if is_behind {
                    self.push(at, new.to, new.below);
                    at = at.max(new.to);
                }
                self.push(old.from, old.to, old.below);
                continue;
            }
            let (from, to) = (old.from.max(new.from), old.to.min(new.to));
            self.push(old.from, from, old.below);
            self.push(at, from, new.below);
            self.push(from, to, old.below.max(new.below));
            self.push(to, old.to, old.below);
            at = to;
        }
        self.push(at, new.to, new.below);
    }

    fn push(&mut self, from: i64, to: i64, below: u64) {
        if from >= to {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.to == from && last.below == below => last.to = to,
            _ => self.stretches.push(Stretch { from, to, below }),
        }
    }

    /// Takes over what another one of the same series says.
    pub(crate) fn absorb(&mut self, other: &Self) {
        other.edits.iter().for_each(|row| self.remember(*row));
        for stretch in &other.stretches {
            self.overlay(*stretch);
        }
    }

    /// Whether there are more stretches than are kept apart.
    pub(crate) fn is_scattered(&self) -> bool {
        self.stretches.len() > STRETCHES_MAX
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_hides_what_a_list_of_edits_hides(
            edits in prop::collection::vec((0..40_i64, 1..20_i64, 1..60_u64), 0..30),
        ) {
            let mut superseded = Superseded::default();
            for (from, length, row) in &edits {
                superseded.insert(*from, from + length, *row);
            }
            for time in -2..70_i64 {
                for row in 0..62_u64 {
                    let hidden = edits.iter().any(|(from, length, edit)| {
                        (*from..from + length).contains(&time) && row < *edit
                    });
                    prop_assert_eq!(superseded.hides(time, row), hidden, "{} {}", time, row);
                }
            }
            let in_order = |pair: &[Stretch]| pair[0].to <= pair[1].from;
            prop_assert!(superseded.stretches().windows(2).all(in_order));
            let mut turned = Superseded::default();
            for (from, length, row) in edits.iter().rev().chain(&edits) {
                turned.insert(*from, from + length, *row);
            }
            let mut both = Superseded::default();
            both.absorb(&turned);
            for time in -2..70_i64 {
                for row in 0..62_u64 {
                    prop_assert_eq!(superseded.hides(time, row), both.hides(time, row));
                }
            }
        }
    }
}
