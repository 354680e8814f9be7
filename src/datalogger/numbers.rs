//! Which rows of a series are stored.

use crate::codec::staged;

/// Ranges that are kept apart for one series: the contiguous one from 1 and what came ahead of
/// missing rows, live ones before their backlog for example.
pub(crate) const PIECES_MAX: usize = 256;

/// The row numbers of a series that are stored, as disjoint ranges in ascending order. Retention
/// takes none of them back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    ranges: Vec<(u64, u64)>,
}

impl Numbers {
    pub(crate) fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// Up to which number every row is stored.
    pub(crate) fn watermark(&self) -> u64 {
        match self.ranges.first() {
            Some((1, last)) => *last,
            _ => 0,
        }
    }

    pub(crate) fn contains(&self, row: u64) -> bool {
        let after = self.ranges.partition_point(|range| range.0 <= row);
        after > 0 && self.ranges[after - 1].1 >= row
    }

    /// Adds a range; ranges that touch become one.
    pub(crate) fn insert(&mut self, first: u64, last: u64) {
        // Nearly every row comes right behind the last.
        if let Some(end) = self.ranges.last_mut()
            && end.1.checked_add(1) == Some(first)
        {
            end.1 = last;
            return;
        }
        let from = self
            .ranges
            .partition_point(|range| range.1.saturating_add(1) < first);
        let to = self
            .ranges
            .partition_point(|range| range.0 <= last.saturating_add(1));
        let touched = &self.ranges[from..to.max(from)];
        let first = touched.first().map_or(first, |range| range.0.min(first));
        let last = touched.last().map_or(last, |range| range.1.max(last));
        self.ranges.splice(from..to.max(from), [(first, last)]);
    }

    /// Whether there are more pieces than are kept apart.
    pub(crate) fn is_scattered(&self) -> bool {
        self.ranges.len() > PIECES_MAX
    }

    pub(crate) fn absorb(&mut self, ranges: &[(u64, u64)]) {
        for (first, last) in ranges {
            self.insert(*first, *last);
        }
    }

    /// Whether every number of a range is in it.
    pub(crate) fn holds(&self, first: u64, last: u64) -> bool {
        let after = self.ranges.partition_point(|range| range.0 <= first);
        after > 0 && self.ranges[after - 1].1 >= last
    }

    pub(crate) fn to_bytes(&self, series: crate::SeriesId) -> Vec<u8> {
        staged::ranges_to_bytes(series, &self.ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_the_watermark_follows() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.watermark(), 0);
        for row in [5, 6, 9, 1, 3] {
            numbers.insert(row, row);
        }
        assert_eq!(numbers.ranges(), [(1, 1), (3, 3), (5, 6), (9, 9)]);
        assert_eq!(numbers.watermark(), 1);
        numbers.insert(2, 4);
        assert_eq!((numbers.watermark(), numbers.ranges().len()), (6, 2));
        numbers.insert(1, 20);
        assert_eq!(numbers.ranges(), [(1, 20)]);
        assert!(numbers.contains(20) && !numbers.contains(21) && !numbers.contains(0));
        numbers.insert(u64::MAX, u64::MAX);
        assert_eq!(numbers.ranges(), [(1, 20), (u64::MAX, u64::MAX)]);
    }
}
