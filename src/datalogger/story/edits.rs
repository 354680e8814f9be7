//! Whatever is appended late, edited, settled and opened again: readers see the newest version, sums
//! are those of a plain recount, and another layout of the same rows has the same sums.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::codec::tests::logged;
use crate::{Edit, Gap, GapCause, GapId, GapQuery, Healing, HourSum, Order, RowQuery, row_hash};

const HOUR: i64 = crate::SUM_HOUR;

#[derive(Clone, Debug)]
enum Act {
    /// Rows from a time on, a step apart.
    Append(i64, i64, Vec<Logged>),
    /// A stretch from a time on gets new rows.
    Edit(i64, i64, Vec<Logged>),
    Settle,
    Rotate,
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let rows = || prop::collection::vec(logged(), 0..40);
    let time = || -5 * HOUR..20 * HOUR;
    let act = prop_oneof![
        5 => (time(), -HOUR / 7..HOUR, rows()).prop_map(|(a, b, c)| Act::Append(a, b, c)),
        3 => (time(), 1..9 * HOUR, rows()).prop_map(|(a, b, c)| Act::Edit(a, b, c)),
        2 => Just(Act::Settle),
        1 => Just(Act::Rotate),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..20)
}

/// Every row there ever was, and what follows from them.
#[derive(Default)]
struct Naive(Vec<Row>);

impl Naive {
    fn make(&self, series: SeriesId, times: impl Iterator<Item = (i64, Logged)>) -> Vec<Row> {
        let first = self.0.len() as u64 + 1;
        let rows = times.zip(first..).map(|((time, value), number)| Row {
            series,
            row: number,
            time,
            received: number.is_multiple_of(3).then_some(time + 5),
            value,
            quality: 0,
        });
        rows.collect()
    }

    fn visible(&self) -> Vec<Row> {
        let edits: Vec<(&Row, i64)> = self.edits().collect();
        let is_hidden = |row: &Row| {
            edits
                .iter()
                .any(|(edit, to)| row.row < edit.row && row.time >= edit.time && row.time < *to)
        };
        let samples = self
            .0
            .iter()
            .filter(|row| !matches!(row.value, Logged::Edit(_)));
        let mut rows: Vec<Row> = samples.filter(|row| !is_hidden(row)).cloned().collect();
        rows.sort_by_key(|row| (row.time, row.row));
        rows
    }

    fn edits(&self) -> impl Iterator<Item = (&Row, i64)> {
        self.0.iter().filter_map(|row| match &row.value {
            Logged::Edit(edit) => Some((row, edit.to)),
            _ => None,
        })
    }

    fn hours(&self) -> Vec<HourSum> {
        let mut hours: BTreeMap<i64, HourSum> = BTreeMap::new();
        for row in self.visible() {
            let start = row.time.div_euclid(HOUR) * HOUR;
            let sum = hours.entry(start).or_insert(HourSum {
                start,
                count: 0,
                hash: 0,
            });
            sum.count += 1;
            sum.hash = sum.hash.wrapping_add(row_hash(&row));
        }
        hours.into_values().collect()
    }
}

fn hours(sink: &impl Sink, series: SeriesId) -> Vec<HourSum> {
    let told = sink.hours(series, i64::MIN, i64::MAX).unwrap();
    told.map(Result::unwrap).collect()
}

fn compare(sink: &impl Sink, series: SeriesId, naive: &Naive) {
    let visible = naive.visible();
    assert_eq!(all(sink, series).unwrap(), visible);
    assert_eq!(sink.last(series).unwrap(), visible.last().cloned());
    let mut query = SampleQuery::new(series, -HOUR, 7 * HOUR);
    (query.order, query.limit) = (Order::Descending, 9);
    let told: Vec<Row> = sink.samples(&query).unwrap().map(Result::unwrap).collect();
    let within = visible
        .iter()
        .rev()
        .filter(|row| row.time >= -HOUR && row.time < 7 * HOUR);
    assert_eq!(told, within.take(9).cloned().collect::<Vec<_>>());
    let query = RowQuery {
        series,
        after: 0,
        limit: u64::MAX,
    };
    let rows: Vec<Row> = sink.rows(&query).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, naive.0);
    let edits: Vec<Row> = naive.edits().map(|(row, _)| row.clone()).collect();
    assert_eq!(sink.edits(series).unwrap(), edits);
    assert_eq!(hours(sink, series), naive.hours());
}

fn act<P: Place>(sink: &mut Option<P::Sink>, place: &P, naive: &mut Naive, what: Act) {
    let open_sink = sink.as_ref().unwrap();
    let series = open_sink.series(&key("a")).unwrap();
    match what {
        Act::Append(start, step, values) => {
            let times = (0..).map(|place| start + place * step);
            let rows = naive.make(series, times.zip(values));
            naive.0.extend(rows.iter().cloned());
            open_sink.append(rows).wait().unwrap();
        }
        Act::Edit(from, length, values) => {
            let to = from + length;
            let note = "the meter was wrong".into();
            let edit = (from, Logged::Edit(Arc::new(Edit { to, note })));
            let step = length / (values.len() as i64 + 1);
            let times = (0..).map(|place| from + place * step);
            let rows = naive.make(series, [edit].into_iter().chain(times.zip(values)));
            naive.0.extend(rows.iter().cloned());
            open_sink.append(rows).wait().unwrap();
        }
        Act::Settle => P::settle(open_sink),
        Act::Rotate => P::rotate(open_sink),
        Act::Restart => {
            drop(sink.take());
            *sink = Some(place.open());
        }
    }
}

/// A life of a store, and of another one that gets the same rows otherwise.
fn live<P: Place>(place: &P, elsewhere: &P, acts: Vec<Act>, turn: usize) {
    let mut sink = Some(place.open());
    let mut naive = Naive::default();
    for what in acts {
        act(&mut sink, place, &mut naive, what);
        let open_sink = sink.as_ref().unwrap();
        compare(open_sink, open_sink.series(&key("a")).unwrap(), &naive);
    }
    drop(sink.take());
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    compare(&sink, series, &naive);
    // Elsewhere the rows come in other batches, backwards, and under another number.
    let other = elsewhere.open();
    let numbers = other.register(&[key("b"), key("c"), key("a")]).unwrap();
    for (at, rows) in naive.0.chunks(turn * 9).rev().enumerate() {
        let mut rows = rows.to_vec();
        rows.iter_mut().for_each(|row| row.series = numbers[2]);
        rows.reverse();
        other.append(rows).wait().unwrap();
        if at % 3 == 1 {
            P::settle(&other);
            P::rotate(&other);
        }
    }
    assert_eq!(hours(&other, numbers[2]), hours(&sink, series));
}

fn readers_see_the_newest_version<P: Place>(cases: u32, make: impl Fn(String) -> P) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let count = std::cell::Cell::new(0);
    let ran = runner.run(&(acts(), 1..7_usize), |(acts, turn)| {
        count.set(count.get() + 1);
        let at = count.get();
        live(
            &make(format!("here{at}")),
            &make(format!("there{at}")),
            acts,
            turn,
        );
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn readers_of_sqlite_see_the_newest_version() {
    readers_see_the_newest_version(24, |_| Sqlite::new());
}

#[test]
fn readers_of_postgresql_see_the_newest_version() {
    if let Some(server) = server("edits in the PostgreSQL store", Speed::Fast) {
        readers_see_the_newest_version(12, |schema| Postgres::new(&server, &schema));
    }
}

fn gap(series: SeriesId, rows: Option<(u64, u64)>, times: (i64, i64)) -> Gap {
    Gap {
        series,
        from: times.0,
        to: times.1,
        rows,
        cause: GapCause::Retention,
        hop: Some(NodeId(Uuid::from_u128(9))),
        state: Healing::Open,
        since: 77,
    }
}

fn gap_records_last_and_do_not_multiply<P: Place>(place: &P) {
    let sink = place.open();
    let (a, b) = (
        sink.series(&key("a")).unwrap(),
        sink.series(&key("b")).unwrap(),
    );
    let first = sink.record_gap(&gap(a, Some((5, 9)), (10, 20))).unwrap();
    assert_eq!(
        sink.record_gap(&gap(a, Some((5, 9)), (10, 20))).unwrap(),
        first
    );
    // It went on where it ended.
    assert_eq!(
        sink.record_gap(&gap(a, Some((10, 12)), (20, 30))).unwrap(),
        first
    );
    let apart = sink.record_gap(&gap(a, Some((20, 22)), (40, 50))).unwrap();
    let timed = sink.record_gap(&gap(b, None, (1, 2))).unwrap();
    assert_eq!(sink.record_gap(&gap(b, None, (1, 2))).unwrap(), timed);
    let other = Gap {
        cause: GapCause::Damage,
        hop: None,
        ..gap(b, None, (1, 2))
    };
    let other = (sink.record_gap(&other).unwrap(), other);
    sink.heal_gap(apart, Healing::Healed).unwrap();
    drop(sink);
    let sink = place.open();
    let healed = Gap {
        state: Healing::Healed,
        ..gap(a, Some((20, 22)), (40, 50))
    };
    let of_a = vec![(first, gap(a, Some((5, 12)), (10, 30))), (apart, healed)];
    assert_eq!(sink.gaps(&GapQuery::of(a)).unwrap(), of_a);
    let all = GapQuery {
        series: None,
        after: first,
        limit: 2,
    };
    assert_eq!(
        sink.gaps(&all).unwrap(),
        [of_a[1].clone(), (timed, gap(b, None, (1, 2)))]
    );
    let rest = GapQuery {
        series: None,
        after: timed,
        limit: 9,
    };
    assert_eq!(sink.gaps(&rest).unwrap(), [other]);
    assert!(first > GapId(0));
}

#[test]
fn gap_records_of_both_stores_last_and_do_not_multiply() {
    gap_records_last_and_do_not_multiply(&Sqlite::new());
    if let Some(server) = server("gap records beside PostgreSQL", Speed::Fast) {
        gap_records_last_and_do_not_multiply(&Postgres::new(&server, "gaps"));
    }
}
