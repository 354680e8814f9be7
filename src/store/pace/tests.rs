//! Tests of `pace`, with a clock that stands still until it is moved.

use std::time::Duration;

use mainstem_model::{Clock, ManualClock, Pacing, Timestamp, Value};
use mainstem_wire::RowOut;

use super::Pacer;
use crate::{Chunk, Item};

struct Rig {
    clock: ManualClock,
    pacer: Pacer<RowOut>,
    place: u64,
}

fn row(id: u32, value: f64) -> RowOut {
    RowOut {
        id,
        quality: 0,
        epoch: None,
        origin: 0,
        time: 0,
        value: Some(Value::F64(value)),
    }
}

fn rig(deadband: &str, least: u64, most: u64) -> Rig {
    let interval = |millis: u64| (millis > 0).then(|| Duration::from_millis(millis));
    let pacing = Pacing {
        deadband: deadband.parse().ok(),
        min_interval: interval(least),
        max_interval: interval(most),
    };
    Rig {
        clock: ManualClock::new(Timestamp::from_micros(0)),
        pacer: Pacer::new(pacing),
        place: 0,
    }
}

impl Rig {
    fn take(&mut self, row: &RowOut) -> bool {
        let now = self.clock.monotonic();
        let told = self.pacer.take(row.id, row, false, self.place, now);
        self.place += 1;
        told
    }

    fn value(&mut self, value: f64) -> bool {
        self.take(&row(1, value))
    }

    fn later(&mut self, millis: u64) -> Vec<(u32, f64, bool)> {
        self.clock.advance(Duration::from_millis(millis));
        let due = self.pacer.due(self.clock.monotonic(), 100);
        let shown = due.into_iter().map(|due| {
            let value = due.sample.value.and_then(|value| value.as_f64()).unwrap();
            (due.id, value, due.catchup)
        });
        shown.collect()
    }

    fn covered(&self) -> u64 {
        self.pacer.covered(self.place)
    }
}

#[test]
fn a_deadband_counts_from_what_was_told() {
    let mut rig = rig("0.5", 0, 0);
    assert!(rig.value(20.0));
    // Small steps add up: they are compared with the told value, not with each other.
    assert!(!rig.value(20.3) && !rig.value(20.5) && rig.value(20.6));
    assert!(!rig.value(20.2) && rig.value(20.0));
    // A cursor covers what is within the deadband, and nothing comes by itself.
    assert_eq!(rig.covered(), rig.place);
    assert!(rig.later(3_600_000).is_empty());
    assert_eq!(rig.pacer.conflated(), 3);
}

#[test]
fn a_quality_change_always_passes() {
    let mut rig = rig("10", 1000, 0);
    assert!(rig.value(20.0) && !rig.value(20.1));
    let bad = RowOut {
        quality: 7,
        ..row(1, 20.2)
    };
    assert!(rig.take(&bad) && !rig.take(&bad));
    assert!(rig.value(20.2));
}

#[test]
fn in_an_interval_the_newest_wins_and_is_never_lost() {
    let mut rig = rig("", 1000, 0);
    assert!(rig.value(1.0));
    assert!(rig.later(400).is_empty() && !rig.value(2.0));
    assert!(rig.later(400).is_empty() && !rig.value(3.0));
    // The cursor stays before the sample that waits.
    assert_eq!((rig.covered(), rig.place), (2, 3));
    assert!(rig.later(199).is_empty());
    assert_eq!(rig.later(1), [(1, 3.0, false)]);
    assert_eq!(rig.covered(), 3);
    // The next interval begins with what was told.
    assert!(!rig.value(4.0));
    assert!(rig.later(999).is_empty());
    assert_eq!(rig.later(1), [(1, 4.0, false)]);
    assert!(rig.later(5000).is_empty() && rig.value(5.0));
    assert_eq!(rig.pacer.conflated(), 1);
}

#[test]
fn datapoints_wait_for_themselves() {
    let mut rig = rig("", 1000, 0);
    assert!(rig.take(&row(1, 1.0)) && rig.later(500).is_empty());
    assert!(rig.take(&row(2, 1.0)) && !rig.take(&row(1, 2.0)) && !rig.take(&row(2, 2.0)));
    assert_eq!(rig.covered(), 2);
    assert_eq!(rig.later(500), [(1, 2.0, false)]);
    assert_eq!(rig.covered(), 3);
    assert_eq!(rig.later(500), [(2, 2.0, false)]);
    assert_eq!(rig.covered(), 4);
}

#[test]
fn a_value_that_came_back_need_not_be_told() {
    let mut rig = rig("0.5", 1000, 0);
    assert!(rig.value(20.0) && !rig.value(30.0));
    assert_eq!(rig.covered(), 1);
    assert!(!rig.value(20.1));
    assert_eq!(rig.covered(), 3);
    assert!(rig.later(5000).is_empty());
}

#[test]
fn everything_is_told_again_in_time() {
    let mut rig = rig("0.5", 0, 10_000);
    assert!(rig.value(20.0) && rig.later(9000).is_empty());
    assert!(!rig.value(20.3));
    // Held back: a change. Unchanged: a repetition.
    assert_eq!(rig.later(1000), [(1, 20.3, false)]);
    assert_eq!(rig.later(10_000), [(1, 20.3, true)]);
    assert!(rig.later(5000).is_empty() && rig.value(40.0));
    assert!(rig.later(9999).is_empty());
    assert_eq!(rig.later(1), [(1, 40.0, true)]);
}

#[test]
fn a_reader_that_came_again_is_told_again_too() {
    let mut rig = rig("0.5", 0, 10_000);
    let now = rig.clock.monotonic();
    rig.pacer.know(1, &row(1, 20.0), now);
    // What it had been told is not known: the first sample passes.
    assert!(rig.value(20.1));
    rig.pacer.know(1, &row(1, 99.0), now);
    rig.pacer.know(2, &row(2, 5.0), now);
    assert_eq!(rig.later(10_000), [(1, 20.1, true), (2, 5.0, true)]);
}

#[test]
fn what_is_kept_is_bounded_by_the_datapoints() {
    let mut rig = rig("0.5", 1000, 10_000);
    for round in 0..1000_u32 {
        for id in 0..4 {
            rig.take(&row(id, f64::from(round)));
        }
        rig.later(100);
    }
    let sizes = (rig.pacer.points.len(), rig.pacer.due.len());
    assert!(sizes == (4, 4) && rig.pacer.waiting.len() <= 4, "{sizes:?}");
    (0..4).for_each(|id| rig.pacer.forget(id));
    let left = (
        rig.pacer.points.len(),
        rig.pacer.due.len(),
        rig.pacer.waiting.len(),
    );
    assert_eq!(left, (0, 0, 0));
}

#[test]
fn a_chunk_is_sifted_and_its_bookmark_stays_behind() {
    let mut rig = rig("", 1000, 0);
    let now = rig.clock.monotonic();
    let mut chunk = Chunk::default();
    chunk.push_row(row(1, 1.0), true);
    chunk.push_row(row(1, 2.0), false);
    chunk.push_row(row(2, 2.0), false);
    chunk.bookmark = Some(9);
    rig.pacer.sift(&mut chunk, 6, now);
    let rows = |catchup| Item::Rows { count: 1, catchup };
    assert_eq!(chunk.items, [rows(true), rows(false)]);
    assert_eq!(chunk.rows, [row(1, 1.0), row(2, 2.0)]);
    assert_eq!(chunk.bookmark, Some(6));
    rig.clock.advance(Duration::from_millis(1000));
    let now = rig.clock.monotonic();
    rig.pacer.due_chunk(&mut chunk, 9, now, 100);
    assert_eq!(
        (&*chunk.rows, chunk.bookmark),
        (&[row(1, 2.0)][..], Some(9))
    );
    // Another definition is another datapoint.
    chunk.clear();
    chunk.items.push(Item::Remove(1));
    chunk.push_row(row(1, 3.0), false);
    rig.pacer.sift(&mut chunk, 9, now);
    assert_eq!(chunk.rows.len(), 1);
}
