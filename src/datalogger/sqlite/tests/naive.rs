//! Whatever is appended, settled, closed and opened again: answers are those of a plain vector.

use proptest::prelude::*;

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

fn append(sink: &SqliteSink, naive: &mut Naive, series: usize, rows: Vec<Row>) {
    for row in &rows {
        if !naive.0[series].iter().any(|other| other.row == row.row) {
            naive.0[series].push(row.clone());
        }
    }
    sink.append(rows).wait().unwrap();
}

fn act(sink: &mut Option<SqliteSink>, config: &SqliteConfig, naive: &mut Naive, what: Act) {
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
        Act::Settle => assert!(open_sink.settle(PATIENCE)),
        Act::Rotate => open_sink.rotate().unwrap(),
        Act::Restart => {
            drop(sink.take());
            *sink = Some(open(config.clone()));
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

fn compare(sink: &SqliteSink, naive: &Naive) {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn answers_are_those_of_a_vector(acts in acts()) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        // A disk that need not survive a power cut makes the test faster, not weaker.
        config.synchronous = crate::Synchronous::Normal;
        let mut sink = Some(open(config.clone()));
        sink.as_ref().unwrap().register(&[key("a"), key("b"), key("c")]).unwrap();
        let mut naive = Naive::default();
        for what in acts {
            act(&mut sink, &config, &mut naive, what);
        }
        compare(sink.as_ref().unwrap(), &naive);
        assert!(sink.as_ref().unwrap().settle(PATIENCE));
        compare(sink.as_ref().unwrap(), &naive);
        let integrity = sink.as_ref().unwrap().integrity().unwrap();
        prop_assert_eq!(integrity.faults, vec![]);
        drop(sink.take());
        compare(&open(config), &naive);
    }
}

#[test]
fn a_reader_sees_each_row_once_while_rows_are_settled() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.synchronous = crate::Synchronous::Normal;
    config.settle_rows = 1000;
    let sink = open(config);
    let series = sink.series(&key("a")).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for from in 0..100_u64 {
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
    assert_eq!(all(&sink, series).unwrap().len(), 30_000);
}
