//! Grids against what a person would say of the rows.

use std::sync::Arc;

use mainstem_model::{ManualClock, Name, NodeId, Quality, Reason, Timestamp};
use mainstem_telemetry::Health;
use uuid::Uuid;

use super::*;
use crate::{LogId, Logged, Row, SeriesKey, SqliteConfig, SqliteSink};

const SECOND: i64 = 1_000_000;

fn store(folder: &std::path::Path, series: &[&str]) -> (SqliteSink, Vec<SeriesId>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    let sink =
        SqliteSink::open(SqliteConfig::new(folder), Health::new(clock.clone()), clock).unwrap();
    let key = |name: &&str| SeriesKey {
        origin: NodeId(Uuid::from_u128(1)),
        log: LogId(Uuid::from_u128(2)),
        logger: Name::new(name).unwrap(),
    };
    let ids = sink.register(&series.iter().map(key).collect::<Vec<_>>());
    (sink, ids.unwrap())
}

fn row(series: SeriesId, number: u64, second: i64, value: Option<f64>, quality: Quality) -> Row {
    Row {
        series,
        row: number,
        time: second * SECOND,
        received: None,
        value: value.map_or(Logged::None, Logged::Number),
        quality: quality.code(),
    }
}

fn query(series: &[SeriesId], seconds: (i64, i64), step: i64) -> GridQuery {
    GridQuery {
        series: series.to_vec(),
        from: seconds.0 * SECOND,
        to: seconds.1 * SECOND,
        step: step * SECOND,
        now: i64::MAX,
        measure: Measure::Average,
        fill: Fill::Nothing,
        only_good: false,
    }
}

fn lines(sink: &SqliteSink, query: GridQuery) -> Vec<(i64, Vec<Option<f64>>)> {
    let (mut grid, mut cells, mut lines) =
        (Grid::new(sink, query).unwrap(), Vec::new(), Vec::new());
    while let Some(at) = grid.line(&mut cells).unwrap() {
        lines.push((at / SECOND, cells.clone()));
    }
    lines
}

#[test]
fn several_series_stand_on_one_grid() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, ids) = store(folder.path(), &["a", "b", "empty"]);
    let uncertain = Quality::of(Reason::UncertainSource);
    let down = Quality::of(Reason::DeviceDown);
    let rows = vec![
        row(ids[0], 1, 5, Some(10.0), Quality::GOOD),
        row(ids[0], 2, 15, Some(20.0), Quality::GOOD),
        row(ids[0], 3, 20, None, down),
        row(ids[0], 4, 35, Some(30.0), uncertain),
        row(ids[1], 1, 12, Some(1.0), Quality::GOOD),
    ];
    sink.append(rows).wait().unwrap();
    let asked = query(&ids, (10, 50), 10);
    let of = |measure, fill, only_good| {
        let query = GridQuery {
            measure,
            fill,
            only_good,
            now: 45 * SECOND,
            ..asked.clone()
        };
        lines(&sink, query)
    };
    let nothing = (20, vec![None, Some(1.0), None]);
    assert_eq!(
        of(Measure::Average, Fill::Nothing, false),
        [
            // 10 held for 5 s, then 20 for 5 s: what holds at the beginning counts.
            (10, vec![Some(15.0), Some(1.0), None]),
            nothing.clone(),
            (30, vec![Some(30.0), Some(1.0), None]),
            (40, vec![Some(30.0), Some(1.0), None]),
        ]
    );
    let filled = of(Measure::Last, Fill::Previous, false);
    assert_eq!(filled[1], (20, vec![Some(20.0), Some(1.0), None]));
    let counted = of(Measure::Count, Fill::Nothing, false);
    assert_eq!(counted[0], (10, vec![Some(1.0), Some(1.0), Some(0.0)]));
    let good = of(Measure::Max, Fill::Nothing, true);
    assert_eq!(good[0], (10, vec![Some(20.0), Some(1.0), None]));
    assert_eq!(
        good[2],
        (30, vec![None, Some(1.0), None]),
        "uncertain is not good"
    );
    // Of what comes after the present nothing is known.
    let query = GridQuery {
        now: 25 * SECOND,
        ..query(&ids, (30, 40), 10)
    };
    assert_eq!(lines(&sink, query)[0].1[1], None);
}

#[test]
fn pages_follow_each_other_and_rows_of_one_moment_are_all_read() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, ids) = store(folder.path(), &["a"]);
    let rows = (1..=30_000_u64).map(|number| {
        let second = i64::try_from(number / 3).unwrap();
        row(ids[0], number, second, Some(1.0), Quality::GOOD)
    });
    sink.append(rows.collect()).wait().unwrap();
    let query = GridQuery {
        measure: Measure::Count,
        ..query(&ids, (0, 11_000), 1_000)
    };
    let counts: Vec<f64> = lines(&sink, query)
        .iter()
        .map(|line| line.1[0].unwrap())
        .collect();
    assert_eq!(counts.iter().sum::<f64>(), 30_000.0);
    assert_eq!(counts[1], 3_000.0);
}

#[test]
fn whole_hours_come_from_roll_ups_and_outlive_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, ids) = store(folder.path(), &["a"]);
    let hour = |number: i64| crate::Rollup {
        series: ids[0],
        step: crate::Step::Hour,
        start: number * HOUR,
        count: 2,
        good: 2,
        min: 1.0,
        max: 3.0,
        sum: 4.0,
        first: 1.0,
        last: 3.0,
        uncertain: 0,
        held: 2.0 * 3600.0,
        known: HOUR,
        increment: 0.0,
        across_gap: 0.0,
        resets: 0,
        overflows: 0,
        corrections: 0,
        rates: Vec::new(),
    };
    let batch = crate::RollupBatch {
        rollups: vec![hour(0), hour(1), hour(3)],
        covered: Vec::new(),
    };
    sink.put_rollups(&batch).unwrap();
    let asked = query(&ids, (0, 6 * 3600), 2 * 3600);
    let count = GridQuery {
        measure: Measure::Count,
        ..asked.clone()
    };
    let cells = |query| -> Vec<Option<f64>> {
        lines(&sink, query)
            .into_iter()
            .map(|line| line.1[0])
            .collect()
    };
    assert_eq!(cells(asked.clone()), [Some(2.0), Some(2.0), None]);
    assert_eq!(cells(count), [Some(4.0), Some(2.0), Some(0.0)]);
    let shifted = GridQuery {
        from: 60 * SECOND,
        ..asked
    };
    assert_eq!(cells(shifted)[0], None, "no rows, and no whole hours");
}
