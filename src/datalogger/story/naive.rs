//! Whatever is appended, settled, closed and opened again: answers are those of a plain vector.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::codec::tests::logged;
use crate::{Order, QualityFilter, RowQuery};

#[derive(Clone, Debug)]
enum Act {
    /// Rows behind the watermark of a series: a start time, a step, values with qualities.
    Append(usize, i64, i64, Vec<(Logged, u16)>),
    /// A row ahead of missing ones, and later the missing ones, some of them twice.
    Ahead(usize, u64),
    Again(usize, u64),
    Settle,
    Rotate,
    Restart,
    Ask(usize, i64, i64, bool, u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let rows = prop::collection::vec(
        (logged(), prop_oneof![Just(0_u16), Just(272), Just(544)]),
        1..200,
    );
    let act = prop_oneof![
        8 => (0..3_usize, 0..5000_i64, -3..40_i64, rows).prop_map(|(a, b, c, d)| Act::Append(a, b, c, d)),
        1 => (0..3_usize, 2..9_u64).prop_map(|(a, b)| Act::Ahead(a, b)),
        1 => (0..3_usize, 1..50_u64).prop_map(|(a, b)| Act::Again(a, b)),
        2 => Just(Act::Settle),
        1 => Just(Act::Rotate),
        1 => Just(Act::Restart),
        4 => (0..3_usize, 0..5000_i64, 0..9000_i64, any::<bool>(), 1..400_u64)
            .prop_map(|(a, b, c, d, e)| Act::Ask(a, b, c, d, e)),
    ];
    prop::collection::vec(act, 1..25)
}

/// The vectors, and what follows from them.
#[derive(Default)]
struct Naive([Vec<Row>; 3]);

impl Naive {
    fn watermark(&self, series: usize) -> u64 {
        let mut numbers: Vec<_> = self.0[series].iter().map(|row| row.row).collect();
        numbers.sort_unstable();
        let dense = numbers
            .iter()
            .zip(1..)
            .take_while(|(row, place)| **row == *place);
        dense.count() as u64
    }

    fn ask(&self, series: usize, query: &SampleQuery) -> Vec<Row> {
        let rows = self.0[series].iter();
        let admitted = rows.filter(|row| {
            row.time >= query.from && row.time < query.to && query.quality.admits(row.quality)
        });
        let mut rows: Vec<_> = admitted.cloned().collect();
        rows.sort_by_key(|row| (row.time, row.row));
        if query.order == Order::Descending {
            rows.reverse();
        }
        rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        rows
    }
}

fn append(sink: &impl Sink, naive: &mut Naive, series: usize, rows: Vec<Row>) {
    for row in &rows {
        if !naive.0[series].iter().any(|other| other.row == row.row) {
            naive.0[series].push(row.clone());
        }
    }
    sink.append(rows).wait().unwrap();
}

fn act<P: Place>(sink: &mut Option<P::Sink>, place: &P, naive: &mut Naive, what: Act) {
    let open_sink = sink.as_ref().unwrap();
    match what {
        Act::Append(series, start, step, values) => {
            let from = naive.0[series].iter().map(|row| row.row).max().unwrap_or(0);
            let rows = values
                .into_iter()
                .zip(1_u64..)
                .map(|((value, quality), place)| Row {
                    series: SeriesId(u32::try_from(series).unwrap()),
                    row: from + place,
                    time: start + place.cast_signed() * step,
                    received: (place % 2 == 0).then_some(start),
                    value,
                    quality,
                });
            append(open_sink, naive, series, rows.collect());
        }
        Act::Ahead(series, skip) => {
            let id = SeriesId(u32::try_from(series).unwrap());
            let from = naive.0[series].iter().map(|row| row.row).max().unwrap_or(0);
            append(open_sink, naive, series, vec![row(id, from + skip)]);
            assert_eq!(open_sink.watermark(id).unwrap(), naive.watermark(series));
            let missing = (from + 1..=from + skip).map(|number| row(id, number));
            append(open_sink, naive, series, missing.collect());
        }
        Act::Again(series, count) => {
            let again: Vec<_> = naive.0[series]
                .iter()
                .rev()
                .take(count as usize)
                .cloned()
                .collect();
            append(open_sink, naive, series, again);
        }
        Act::Settle => P::settle(open_sink),
        Act::Rotate => P::rotate(open_sink),
        Act::Restart => {
            drop(sink.take());
            *sink = Some(place.open());
        }
        Act::Ask(series, from, length, descending, limit) => {
            let id = SeriesId(u32::try_from(series).unwrap());
            let mut query = SampleQuery::new(id, from, from + length);
            query.limit = limit;
            if descending {
                query.order = Order::Descending;
                query.quality = QualityFilter::NotBad;
            }
            let answer = open_sink.samples(&query).unwrap();
            let answer: Vec<_> = answer.map(Result::unwrap).collect();
            assert_eq!(answer, naive.ask(series, &query), "{query:?}");
        }
    }
}

fn compare(sink: &impl Sink, naive: &Naive) {
    for series in 0..3 {
        let id = SeriesId(u32::try_from(series).unwrap());
        let everything = SampleQuery::new(id, i64::MIN, i64::MAX);
        assert_eq!(all(sink, id).unwrap(), naive.ask(series, &everything));
        let query = RowQuery {
            series: id,
            after: 3,
            limit: u64::MAX,
        };
        let rows = sink
            .rows(&query)
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>();
        let mut expected: Vec<_> = naive.0[series]
            .iter()
            .filter(|row| row.row > 3)
            .cloned()
            .collect();
        expected.sort_by_key(|row| row.row);
        assert_eq!(rows, expected);
        assert_eq!(sink.watermark(id).unwrap(), naive.watermark(series));
        let extent = sink.extent(id).unwrap();
        assert_eq!(extent.rows, naive.0[series].len() as u64);
        assert_eq!(sink.last(id).unwrap(), naive.ask(series, &everything).pop());
    }
}

/// A whole life of a store.
fn live<P: Place>(place: &P, acts: Vec<Act>) {
    let mut sink = Some(place.open());
    let names = [key("a"), key("b"), key("c")];
    sink.as_ref().unwrap().register(&names).unwrap();
    let mut naive = Naive::default();
    for what in acts {
        act(&mut sink, place, &mut naive, what);
    }
    compare(sink.as_ref().unwrap(), &naive);
    P::settle(sink.as_ref().unwrap());
    compare(sink.as_ref().unwrap(), &naive);
    let integrity = sink.as_ref().unwrap().integrity().unwrap();
    assert_eq!(integrity.faults, vec![]);
    drop(sink.take());
    compare(&place.open(), &naive);
}

fn answers_are_those_of_a_vector<P: Place>(cases: u32, make: impl Fn(usize) -> P) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let count = std::cell::Cell::new(0);
    let ran = runner.run(&acts(), |acts| {
        count.set(count.get() + 1);
        live(&make(count.get()), acts);
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn answers_of_sqlite_are_those_of_a_vector() {
    answers_are_those_of_a_vector(24, |_| Sqlite::new());
}

#[test]
fn answers_of_postgresql_are_those_of_a_vector() {
    let Some(server) = server("the PostgreSQL store beside a vector", Speed::Fast) else {
        return;
    };
    answers_are_those_of_a_vector(24, |case| Postgres::new(&server, &format!("case{case}")));
}

fn a_reader_sees_each_row_once<P: Place>(place: &P)
where
    P::Sink: Sync,
{
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for from in 0..50_u64 {
                let rows = (1..=300).map(|place| row(series, from * 300 + place));
                sink.append(rows.collect()).wait().unwrap();
            }
        });
        while !writer.is_finished() {
            let least = sink.watermark(series).unwrap();
            let rows = all(&sink, series).unwrap();
            assert!(rows.len() as u64 >= least);
            assert!(rows.iter().zip(1..).all(|(row, number)| row.row == number));
        }
    });
    assert_eq!(all(&sink, series).unwrap().len(), 15_000);
}

#[test]
fn a_reader_of_postgresql_sees_each_row_once_while_rows_are_moved() {
    if let Some(server) = server("reading PostgreSQL while it is written", Speed::Fast) {
        a_reader_sees_each_row_once(&Postgres::new(&server, "reader"));
    }
}
