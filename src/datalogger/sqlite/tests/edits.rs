//! Whatever is appended late, edited, settled and opened again: readers see the newest version, sums
//! are those of a plain recount, and another layout of the same rows has the same sums.

use std::collections::BTreeMap;

use proptest::prelude::*;

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

fn hours(sink: &SqliteSink, series: SeriesId) -> Vec<HourSum> {
    let told = sink.hours(series, i64::MIN, i64::MAX).unwrap();
    told.map(Result::unwrap).collect()
}

fn compare(sink: &SqliteSink, series: SeriesId, naive: &Naive) {
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

fn act(sink: &mut Option<SqliteSink>, config: &SqliteConfig, naive: &mut Naive, what: Act) {
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
        Act::Settle => assert!(open_sink.settle(PATIENCE)),
        Act::Rotate => open_sink.rotate().unwrap(),
        Act::Restart => {
            drop(sink.take());
            *sink = Some(open(config.clone()));
        }
    }
}

fn fast(folder: &Path) -> SqliteConfig {
    let mut config = config(folder);
    // A disk that need not survive a power cut makes the test faster, not weaker.
    config.synchronous = crate::Synchronous::Normal;
    config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn readers_see_the_newest_version(acts in acts(), turn in 1..7_usize) {
        let folder = tempfile::tempdir().unwrap();
        let config = fast(folder.path());
        let mut sink = Some(open(config.clone()));
        let mut naive = Naive::default();
        for what in acts {
            act(&mut sink, &config, &mut naive, what);
            let open_sink = sink.as_ref().unwrap();
            compare(open_sink, open_sink.series(&key("a")).unwrap(), &naive);
        }
        drop(sink.take());
        let sink = open(config);
        let series = sink.series(&key("a")).unwrap();
        compare(&sink, series, &naive);
        // Elsewhere the rows come in other batches, backwards, and under another number.
        let folder = tempfile::tempdir().unwrap();
        let other = open(fast(folder.path()));
        let numbers = other.register(&[key("b"), key("c"), key("a")]).unwrap();
        for (place, rows) in naive.0.chunks(turn * 9).rev().enumerate() {
            let mut rows = rows.to_vec();
            rows.iter_mut().for_each(|row| row.series = numbers[2]);
            rows.reverse();
            other.append(rows).wait().unwrap();
            if place % 3 == 1 {
                prop_assert!(other.settle(PATIENCE));
                other.rotate().unwrap();
            }
        }
        prop_assert_eq!(hours(&other, numbers[2]), hours(&sink, series));
    }

    #[test]
    fn a_flipped_bit_or_a_missing_row_changes_the_sum(
        values in prop::collection::vec((logged(), any::<i32>(), any::<u16>()), 1..60),
        at in any::<prop::sample::Index>(), what in 0..6_u8, bit in 0..16_u32,
    ) {
        let make = |place: usize, (value, time, quality): &(Logged, i32, u16)| Row {
            series: SeriesId(1),
            row: place as u64 + 1,
            time: i64::from(*time),
            received: None,
            value: value.clone(),
            quality: *quality,
        };
        let rows: Vec<Row> = values.iter().enumerate().map(|(at, row)| make(at, row)).collect();
        let sum = |rows: &[Row]| rows.iter().fold(0_u64, |sum, row| sum.wrapping_add(row_hash(row)));
        let mut other = rows.clone();
        let place = at.index(rows.len());
        let row = &mut other[place];
        match what {
            0 => drop(other.remove(place)),
            1 => row.time ^= 1 << bit,
            2 => row.quality ^= 1 << bit,
            3 => row.row ^= 1 << (bit + 8),
            4 => row.received = Some(row.time),
            _ => match &mut row.value {
                Logged::Number(number) => *number = f64::from_bits(number.to_bits() ^ (1 << bit)),
                Logged::Integer(integer) => *integer ^= 1 << bit,
                Logged::Bool(truth) => *truth = !*truth,
                Logged::Text(text) => *text = Arc::from(format!("{text}\0")),
                value => *value = Logged::Integer(0),
            },
        }
        prop_assert_ne!(sum(&rows), sum(&other));
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

#[test]
fn gap_records_last_and_do_not_multiply() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(fast(folder.path()));
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
    let sink = open(fast(folder.path()));
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
fn what_damage_took_is_stored_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(fast(folder.path()));
    let series = sink.series(&key("a")).unwrap();
    let rows: Vec<Row> = (1..=300).map(|number| row(series, number)).collect();
    sink.append(rows[..100].to_vec()).wait().unwrap();
    sink.rotate().unwrap();
    sink.append(rows[100..].to_vec()).wait().unwrap();
    assert!(sink.settle(PATIENCE));
    drop(sink);
    std::fs::remove_file(folder.path().join("part-00000001.db")).unwrap();
    let sink = open(fast(folder.path()));
    assert_eq!(all(&sink, series).unwrap(), rows[100..]);
    // Its number counts as stored, so it is taken as a repetition.
    sink.append(rows[..100].to_vec()).wait().unwrap();
    assert_eq!(all(&sink, series).unwrap(), rows[100..]);
    assert_eq!(sink.restore(rows[..150].to_vec()).unwrap(), 100);
    assert_eq!(sink.restore(rows.clone()).unwrap(), 0);
    assert_eq!(all(&sink, series).unwrap(), rows);
    assert!(sink.settle(PATIENCE));
    assert_eq!(all(&sink, series).unwrap(), rows);
    assert_eq!(sink.integrity().unwrap().faults, vec![]);
}
