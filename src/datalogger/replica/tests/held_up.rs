//! A store that takes no rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use mainstem_model::{ManualClock, Name, NodeId, Timestamp};
use mainstem_wire::{LogLine, LogRows, LogSeries};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::super::json;
use super::*;
use crate::recorder::tests::memory::MemorySink;

const PATIENCE: Duration = Duration::from_secs(30);

fn series() -> LogSeries {
    LogSeries {
        id: 7,
        origin: NodeId(Uuid::from_u128(9)),
        log: Uuid::from_u128(8),
        logger: "boiler".into(),
        name: "boiler".into(),
        group: "boiler".into(),
        datapoint: "plc.boiler".into(),
        kind: "range".into(),
        samples: "every".into(),
        minutes: false,
        modulus: None,
        unit: None,
        description: None,
        value_type: None,
        recording: true,
    }
}

fn rows(numbers: std::ops::RangeInclusive<u64>) -> LogRows {
    let rows: Vec<Row> = numbers.map(|number| row(SeriesId(0), number)).collect();
    json::told(7, rows.iter())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_wait_for_a_store_that_takes_none_and_it_is_said() {
    let folder = TempDir::new().unwrap();
    let sink = Arc::new(MemorySink::default());
    let book = Arc::new(Book::new(Arc::clone(&sink) as Arc<dyn Sink>, TimeZone::UTC));
    let desk = Arc::new(Desk::open(DeskSetup {
        book,
        jobs: mpsc::channel(1).0.downgrade(),
        own: NodeId(Uuid::from_u128(1)),
        clock: Arc::new(ManualClock::new(Timestamp::from_micros(0))),
        path: folder.path().join("replicas"),
        minutes_raw: None,
    }));
    let intake = Arc::new(desk.intake(Naming {
        remote: "line1".into(),
        prefix: Name::new("line1").unwrap(),
        is_prefixed: true,
    }));
    let told = LogLine {
        series: vec![series()],
        have: vec![(7, vec![(1, 30)])],
        ..LogLine::default()
    };
    intake.line(told).await.unwrap();
    sink.set_away(true);
    // Rows of a moment ago are left to the backlog, so that what follows them is heard.
    let live = LogLine {
        rows: vec![rows(31..=32)],
        ..LogLine::default()
    };
    intake.line(live).await.unwrap();
    let answer = LogLine {
        rows: vec![rows(1..=30)],
        ..LogLine::default()
    };
    let taking = Arc::clone(&intake);
    let taking = tokio::spawn(async move { taking.answered(answer).await });
    let begun = Instant::now();
    while intake.standing().held_up.is_none() {
        assert!(begun.elapsed() < PATIENCE, "nobody says that rows wait");
        tokio::task::yield_now().await;
    }
    let standing = intake.standing();
    assert_eq!((standing.series[0].lag, standing.rows.0), (32, 0));
    assert!(!taking.is_finished(), "it waits");
    sink.set_away(false);
    taking.await.unwrap().unwrap();
    let standing = intake.standing();
    assert_eq!((standing.held_up, standing.rows.0), (None, 30));
    let wants = intake.wants(1 << 20).unwrap();
    let ranges: Vec<_> = wants.want.iter().map(|want| (want.from, want.to)).collect();
    assert_eq!(ranges, [(31, 32)], "what was left is asked for");
}
