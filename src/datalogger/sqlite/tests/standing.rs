//! Retention.

use mainstem_model::Clock;

use super::*;
use crate::Policy;

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
