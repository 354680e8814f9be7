//! Which rows are asked for. Pure.

/// What of `there` is not in `here`, both disjoint and ascending, at most so many ranges.
pub(crate) fn missing(
    there: &[(u64, u64)],
    here: &[(u64, u64)],
    ranges_max: usize,
) -> Vec<(u64, u64)> {
    let mut missing = Vec::new();
    let mut held = here.iter().peekable();
    for &(first, last) in there {
        let mut from = first;
        while from <= last {
            while held.peek().is_some_and(|range| range.1 < from) {
                held.next();
            }
            if missing.len() >= ranges_max {
                return missing;
            }
            match held.peek() {
                Some(&&(low, high)) if low <= from => {
                    let Some(next) = high.checked_add(1) else {
                        return missing;
                    };
                    from = next;
                }
                Some(&&(low, _)) if low <= last => {
                    missing.push((from, low - 1));
                    from = low;
                }
                _ => {
                    missing.push((from, last));
                    break;
                }
            }
        }
    }
    missing
}

/// How many rows of `there` are not in `here`.
pub(crate) fn count(there: &[(u64, u64)], here: &[(u64, u64)]) -> u64 {
    let missing = missing(there, here, usize::MAX);
    let rows = missing.iter().map(|(first, last)| last - first + 1);
    rows.fold(0, u64::saturating_add)
}

/// What of `ranges` lies within the ends given.
pub(crate) fn within(ranges: &[(u64, u64)], first: u64, last: u64) -> Vec<(u64, u64)> {
    let cut = ranges
        .iter()
        .map(|range| (range.0.max(first), range.1.min(last)));
    cut.filter(|range| range.0 <= range.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_and_not_here() {
        type Ranges = &'static [(u64, u64)];
        let cases: [(Ranges, Ranges, Ranges); 8] = [
            (&[(1, 10)], &[], &[(1, 10)]),
            (&[(1, 10)], &[(1, 10)], &[]),
            (&[(1, 10)], &[(1, 4), (8, 20)], &[(5, 7)]),
            (&[(1, 10)], &[(3, 4), (8, 8)], &[(1, 2), (5, 7), (9, 10)]),
            (
                &[(1, 2), (5, 9)],
                &[(2, 5), (9, 9), (20, 30)],
                &[(1, 1), (6, 8)],
            ),
            (&[], &[(1, 4)], &[]),
            (&[(5, u64::MAX)], &[(1, u64::MAX)], &[]),
            (&[(5, u64::MAX)], &[(1, 6)], &[(7, u64::MAX)]),
        ];
        for (there, here, wanted) in cases {
            assert_eq!(
                missing(there, here, usize::MAX),
                wanted,
                "{there:?} {here:?}"
            );
        }
        assert_eq!(missing(&[(1, 10)], &[(3, 4), (8, 8)], 1), [(1, 2)]);
        assert_eq!(count(&[(1, 10)], &[(3, 4), (8, 8)]), 7);
        assert_eq!(within(&[(1, 4), (6, 9)], 3, 6), [(3, 4), (6, 6)]);
    }
}
