//! Retention, roll-ups, limits, forgone rows.

use mainstem_model::Clock;

use super::*;
use crate::{Order, Policy, RateShare, Rollup, RollupBatch, RollupQuery, Step};

const DAY: i64 = 86_400_000_000;

/// Whatever the pieces are that a store deletes, what is too old goes and what is not stays.
fn retention_deletes_what_is_old_and_keeps_the_watermark<P: Place>(place: &P) {
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    let start = place.clock().now().micros();
    for week in 0..6_u64 {
        let rows = (1..=100).map(|at| Row {
            time: start + week.cast_signed() * 7 * DAY,
            ..row(series, week * 100 + at)
        });
        sink.append(rows.collect()).wait().unwrap();
        P::settle(&sink);
        place.clock().advance(Duration::from_hours(7 * 24));
        P::rotate(&sink);
    }
    let policy = Policy {
        raw: Some(17 * DAY),
        minutes: None,
        bytes: None,
        disk_percent: None,
    };
    let retained = sink.retain(&policy).unwrap();
    assert_eq!((retained.files, retained.rows), (4, 400));
    let extent = sink.extent(series).unwrap();
    assert_eq!((extent.rows, extent.numbers), (200, Some((401, 600))));
    assert_eq!(extent.times, Some((start + 28 * DAY, start + 35 * DAY)));
    assert_eq!(sink.watermark(series).unwrap(), 600);
    assert_eq!(all(&sink, series).unwrap().len(), 200);
    let nothing = Policy {
        bytes: Some(0),
        raw: None,
        ..policy
    };
    assert!(sink.retain(&nothing).unwrap().rows >= 100);
    drop(sink);
    let sink = place.open();
    assert_eq!(sink.watermark(series).unwrap(), 600);
    // What was stored once is not stored again because it was deleted.
    sink.append((1..=600).map(|number| row(series, number)).collect())
        .wait()
        .unwrap();
    assert!(all(&sink, series).unwrap().len() <= 100);
    assert_eq!(sink.integrity().unwrap().faults, vec![]);
}

fn rollups_come_back_and_replace_each_other<P: Place>(place: &P) {
    let sink = place.open();
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

fn what_breaks_a_limit_is_given_back<P: Place>(place: &P) {
    let sink = place.open();
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
    drop(sink);
    let Some(sink) = place.with_queue(1000) else {
        return;
    };
    let series = sink.series(&key("a")).unwrap();
    let first = sink.append((1..=1000).map(|number| row(series, number)).collect());
    let full = sink.append(vec![row(series, 1001)]).wait().unwrap_err();
    assert!(matches!(full.error, SinkError::Full));
    assert_eq!(full.rows, [row(series, 1001)]);
    drop(sink);
    // Closing commits what waits, whatever the interval.
    first.wait().unwrap();
}

fn rows_in_too_many_pieces_are_given_back_and_forgone_ones_pass<P: Place>(place: &P) {
    let sink = place.open();
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
    let sink = place.open();
    assert_eq!(sink.watermark(series[0]).unwrap(), 502);
    P::settle(&sink);
    drop(sink);
    let sink = place.open();
    assert_eq!(sink.watermark(series[0]).unwrap(), 502);
    assert_eq!(all(&sink, series[0]).unwrap().len() as u64, limit);
}

fn stands<P: Place>(make: impl Fn(&str) -> P) {
    retention_deletes_what_is_old_and_keeps_the_watermark(&make("retention"));
    rollups_come_back_and_replace_each_other(&make("rollups"));
    what_breaks_a_limit_is_given_back(&make("limits"));
    rows_in_too_many_pieces_are_given_back_and_forgone_ones_pass(&make("pieces"));
}

#[test]
fn sqlite_keeps_deletes_and_refuses() {
    stands(|_| Sqlite::new());
}

#[test]
fn postgresql_keeps_deletes_and_refuses() {
    if let Some(server) = server("retention and limits of the PostgreSQL store", Speed::Fast) {
        stands(|schema| Postgres::new(&server, schema));
    }
}
