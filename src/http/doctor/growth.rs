//! Counters that should stand still: what came to them since the doctor last looked.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::Monotonic;
use parking_lot::Mutex;

/// An earlier look counts as such when it is this old.
const SPAN: Duration = Duration::from_secs(600);
/// Counters that are kept.
const COUNTERS_MAX: usize = 10_000;

type Counts = BTreeMap<String, u64>;

/// The counters at earlier looks. Before the first one they stood at zero.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    looks: Mutex<(Counts, Option<(Monotonic, Counts)>)>,
}

impl Growth {
    /// By how much each counter has grown since a look at least ten minutes ago, or since the
    /// start if there was none.
    pub(crate) fn look(&self, mut counts: Counts, now: Monotonic) -> Counts {
        while counts.len() > COUNTERS_MAX {
            counts.pop_last();
        }
        let mut looks = self.looks.lock();
        let (before, last) = &mut *looks;
        if let Some((at, old)) = last
            && now.since(*at) >= SPAN
        {
            *before = std::mem::take(old);
            *last = None;
        }
        let grown = |(name, count): (&String, &u64)| {
            let before = before.get(name).copied().unwrap_or(0);
            // A part that was started again counts from zero.
            let more = count.checked_sub(before).unwrap_or(*count);
            (name.clone(), more)
        };
        let grown = counts.iter().map(grown).collect();
        last.get_or_insert((now, counts));
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_no_news_after_a_while() {
        let growth = Growth::default();
        let at = |minutes: u64| Monotonic::default().after(Duration::from_secs(minutes * 60));
        let look = |count: u64, minutes: u64| {
            let grown = growth.look(Counts::from([("missed".to_owned(), count)]), at(minutes));
            grown["missed"]
        };
        assert_eq!(look(5, 1), 5, "since the start");
        assert_eq!(look(7, 2), 7, "the look before was only a minute ago");
        assert_eq!(look(7, 12), 2, "since the first minute");
        assert_eq!(look(7, 30), 0);
        assert_eq!(look(3, 31), 3, "it was started again");
    }
}
