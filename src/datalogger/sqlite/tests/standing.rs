//! Retention, roll-ups, limits, forgone rows.

use super::*;
use crate::{Order, Policy, RateShare, Rollup, RollupBatch, RollupQuery, Step};

#[test]
fn retention_deletes_whole_parts_and_keeps_the_watermark() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, health) = health();
    let sink = SqliteSink::open(config(folder.path()), health, clock.clone()).unwrap();
    let series = sink.series(&key("a")).unwrap();
    let hour = 3_600_000_000;
    let start = clock.now().micros();
    for part in 0..3_u64 {
        let rows = (1..=100).map(|place| Row {
            time: start + part.cast_signed() * hour,
            ..row(series, part * 100 + place)
        });
        sink.append(rows.collect()).wait().unwrap();
        clock.advance(Duration::from_hours(1));
        sink.rotate().unwrap();
    }
    let policy = Policy {
        raw: Some(hour + hour / 2),
        minutes: None,
        bytes: None,
        disk_percent: None,
    };
    let retained = sink.retain(&policy).unwrap();
    assert_eq!((retained.files, retained.rows), (2, 200));
    let extent = sink.extent(series).unwrap();
    assert_eq!((extent.rows, extent.numbers), (100, Some((201, 300))));
    assert_eq!(sink.watermark(series).unwrap(), 300);
    let nothing = Policy {
        bytes: Some(0),
        raw: None,
        ..policy
    };
    assert_eq!(sink.retain(&nothing).unwrap().rows, 100);
    drop(sink);
    let sink = open(config(folder.path()));
    assert_eq!(
        sink.watermark(series).unwrap(),
        300,
        "the newest part knows it"
    );
}

use mainstem_model::Clock;

#[test]
fn rollups_come_back_and_replace_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(config(folder.path()));
    let series = sink.series(&key("a")).unwrap();
    let rollup = |step, start, sum| Rollup {
        series,
        step,
        start,
        count: 3,
        good: 2,
        min: -0.5,
        max: f64::INFINITY,
        sum,
        first: 1.0,
        last: 2.0,
        uncertain: 1,
        held: 7.5,
        known: 3,
        increment: 0.25,
        across_gap: 0.125,
        resets: 4,
        overflows: 5,
        corrections: 6,
        rates: vec![RateShare {
            rate: Arc::from("night"),
            increment: 0.125,
            cost: 0.5,
        }],
    };
    // Minutes over many months lie in several files.
    let minutes = (0..9000_i64).map(|minute| rollup(Step::Minute, minute * 600_000_000, 1.0));
    let hours = (0..10_i64).map(|hour| rollup(Step::Hour, hour * 3_600_000_000, 1.0));
    let batch = RollupBatch {
        rollups: minutes.chain(hours).collect(),
        covered: vec![(series, 77)],
    };
    sink.put_rollups(&batch).unwrap();
    let replaced = RollupBatch {
        rollups: vec![rollup(Step::Hour, 3_600_000_000, 5.0)],
        covered: vec![(series, 78)],
    };
    sink.put_rollups(&replaced).unwrap();
    assert_eq!(sink.covered(series).unwrap(), 78);
    let ask = |step, order, limit| {
        let query = RollupQuery {
            series,
            step,
            from: 0,
            to: i64::MAX,
            order,
            limit,
        };
        let found = sink.rollups(&query).unwrap();
        found.map(Result::unwrap).collect::<Vec<_>>()
    };
    let minutes = ask(Step::Minute, Order::Ascending, u64::MAX);
    assert_eq!(minutes.len(), 9000);
    assert!(minutes.is_sorted_by_key(|rollup| rollup.start));
    let mut newest = ask(Step::Minute, Order::Descending, 5000);
    newest.reverse();
    assert_eq!(newest, minutes[4000..]);
    let hours = ask(Step::Hour, Order::Ascending, u64::MAX);
    assert_eq!(hours[1], rollup(Step::Hour, 3_600_000_000, 5.0));
    assert_eq!(hours.len(), 10);
    assert_eq!(ask(Step::Day, Order::Ascending, 10), []);
}

#[test]
fn what_breaks_a_limit_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.queue_rows = 1000;
    config.commit_interval = Duration::from_hours(1);
    let sink = open(config);
    let series = sink.series(&key("a")).unwrap();
    let unknown = sink.append(vec![row(SeriesId(9), 1)]).wait().unwrap_err();
    assert!(matches!(unknown.error, SinkError::UnknownSeries(9)));
    let text = Logged::Text(Arc::from("x".repeat((64 << 10) + 1)));
    let long = Row {
        value: text,
        ..row(series, 1)
    };
    let long = sink.append(vec![long]).wait().unwrap_err();
    assert!(matches!(long.error, SinkError::Invalid { .. }));
    let first = sink.append((1..=1000).map(|number| row(series, number)).collect());
    let full = sink.append(vec![row(series, 1001)]).wait().unwrap_err();
    assert!(matches!(full.error, SinkError::Full));
    assert_eq!(full.rows, [row(series, 1001)]);
    drop(sink);
    // Closing commits what waits, whatever the interval.
    first.wait().unwrap();
}

#[test]
fn rows_in_too_many_pieces_are_given_back_and_forgone_ones_pass() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(config(folder.path()));
    let series = sink.register(&[key("a"), key("b")]).unwrap();
    let limit = crate::numbers::PIECES_MAX as u64;
    for piece in 1..=limit {
        sink.append(vec![row(series[0], piece * 2)]).wait().unwrap();
    }
    let one_more = vec![row(series[0], limit * 2 + 2)];
    let refused = sink.append(one_more).wait().unwrap_err();
    assert!(matches!(refused.error, SinkError::Scattered(0)));
    sink.append(vec![row(series[1], 1)]).wait().unwrap();
    sink.forgo(series[0], 1, 501).wait().unwrap();
    assert_eq!(sink.watermark(series[0]).unwrap(), 502);
    drop(sink);
    let sink = open(config(folder.path()));
    assert_eq!(sink.watermark(series[0]).unwrap(), 502);
    assert!(sink.settle(PATIENCE));
    drop(sink);
    let sink = open(config(folder.path()));
    assert_eq!(sink.watermark(series[0]).unwrap(), 502);
    assert_eq!(all(&sink, series[0]).unwrap().len() as u64, limit);
}
