//! A hundred million rows: what a store of years answers and how long it takes to open.

use std::path::Path;
use std::time::Duration;

use mainstem_datalogger::{
    Order, Rollup, RollupBatch, RollupQuery, SampleQuery, SeriesId, Sink, Step,
};

use crate::ours::{append_all, open, register};
use crate::series::{self, Shape};
use crate::{bytes_in, median, timed};

/// Samples of each series of the crowd.
const CROWD_ROWS: u64 = 100_000;
/// Hours of roll-ups of each series: a year.
const HOURS: i64 = 24 * 365;
const HOUR: i64 = 3_600_000_000;
/// Roll-ups stored at once, as the recorder does.
const BATCH: usize = 4096;
/// Series that have roll-ups.
const ROLLED: usize = 200;

pub(crate) fn run(folder: &Path) {
    let sink = open(folder);
    let ids = register(&sink);
    let batches = series::long_batches(Shape::Walk, CROWD_ROWS);
    let ((), wall, cpu) = timed(|| append_all(&sink, &ids, batches));
    let ((), settle_wall, settle_cpu) = timed(|| {
        sink.rotate().unwrap();
        assert!(sink.settle(Duration::from_mins(30)));
    });
    let rows = sink.stats().rows;
    println!("{rows} rows, {} parts", sink.stats().files);
    println!("  acknowledged/s {:.0}, CPU s {cpu:.1}", rows as f64 / wall);
    let (all, all_cpu) = (wall + settle_wall, cpu + settle_cpu);
    println!("  settled/s {:.0}, CPU s {all_cpu:.1}", rows as f64 / all);
    println!(
        "  bytes/sample {:.2}",
        bytes_in(folder) as f64 / rows as f64
    );
    let ((), rolled_wall, rolled_cpu) = timed(|| roll(&sink, &ids[..ROLLED]));
    let count = ROLLED as i64 * HOURS;
    println!("{count} hourly roll-ups stored in {rolled_wall:.1} s, CPU s {rolled_cpu:.1}");
    let from = series::START / HOUR * HOUR + 100 * 24 * HOUR;
    let month = RollupQuery {
        series: ids[ROLLED / 2],
        step: Step::Hour,
        from,
        to: from + 30 * 24 * HOUR,
        order: Order::Ascending,
        limit: u64::MAX,
    };
    let month_millis = median(101, || {
        assert_eq!(sink.rollups(&month).unwrap().count(), 720);
    });
    println!("a month of hourly roll-ups: {month_millis:.2} ms");
    let day_millis = median(15, || {
        let query = SampleQuery::new(ids[series::CROWD as usize], i64::MIN, i64::MAX);
        assert_eq!(
            sink.samples(&query).unwrap().count() as u64,
            series::DAY_ROWS
        );
    });
    println!("a day of 1 Hz: {day_millis:.2} ms");
    drop(sink);
    let mut sink = None;
    let start_millis = median(3, || {
        drop(sink.take());
        sink = Some(open(folder));
    });
    println!("open: {start_millis:.0} ms");
}

fn roll(sink: &mainstem_datalogger::SqliteSink, ids: &[SeriesId]) {
    let mut batch = RollupBatch::default();
    // As they arise: hour by hour, all series side by side.
    for hour in 0..HOURS {
        for series in ids {
            let value = (hour % 97) as f64 / 10.0;
            batch.rollups.push(Rollup {
                series: *series,
                step: Step::Hour,
                start: series::START / HOUR * HOUR + hour * HOUR,
                count: 3600,
                good: 3600,
                min: value,
                max: value + 2.5,
                sum: value * 3600.0,
                first: value + 0.1,
                last: value + 0.7,
                uncertain: 0,
                held: (value + 0.3) * 3600.0,
                known: HOUR,
                increment: 0.0,
                across_gap: 0.0,
                resets: 0,
                overflows: 0,
                corrections: 0,
                rates: Vec::new(),
            });
            if batch.rollups.len() == BATCH {
                sink.put_rollups(&std::mem::take(&mut batch)).unwrap();
            }
        }
    }
    sink.put_rollups(&batch).unwrap();
}
