//! Two stores in one process, of which one lost or changed something.

use std::path::Path;
use std::time::Duration;

use mainstem_model::{ManualClock, Name, NodeId, Timestamp};
use mainstem_telemetry::Health;
use uuid::Uuid;

use super::*;
use crate::{
    Edit, Gap, GapCause, LogId, Logged, Policy, SampleQuery, SqliteConfig, SqliteSink, Synchronous,
};

const HOUR: i64 = SUM_HOUR;

fn open(folder: &Path) -> Arc<dyn Sink> {
    Arc::new(open_store(folder))
}

fn open_store(folder: &Path) -> SqliteSink {
    let mut config = SqliteConfig::new(folder);
    (config.reserve_percent, config.check_at_start) = (0, false);
    config.synchronous = Synchronous::Normal;
    (config.settle_rows, config.settle_age) = (u64::MAX, Duration::from_hours(1));
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1000 * HOUR)));
    SqliteSink::open(config, Health::new(clock.clone()), clock).unwrap()
}

fn key(log: u128) -> SeriesKey {
    SeriesKey {
        origin: NodeId(Uuid::from_u128(1)),
        log: LogId(Uuid::from_u128(log)),
        logger: Name::new("a").unwrap(),
    }
}

fn rows(numbers: std::ops::RangeInclusive<u64>) -> Vec<Row> {
    let row = |number: u64| Row {
        series: SeriesId(0),
        row: number,
        time: number.cast_signed() * HOUR / 10,
        received: None,
        value: match number % 9 {
            0 => Logged::Text(format!("text {number}").into()),
            1 => Logged::Number(f64::NAN),
            _ => Logged::Number(number as f64 / 3.0),
        },
        quality: 0,
    };
    numbers.map(row).collect()
}

fn edit(number: u64, from: i64, to: i64) -> Row {
    let note = "wrong".into();
    Row {
        series: SeriesId(0),
        row: number,
        time: from,
        received: None,
        value: Logged::Edit(Arc::new(Edit { to, note })),
        quality: 0,
    }
}

fn put(sink: &dyn Sink, rows: &[Row]) -> SeriesId {
    let series = sink.series(&key(2)).unwrap();
    let mut rows = rows.to_vec();
    rows.iter_mut().for_each(|row| row.series = series);
    tokio::task::block_in_place(|| sink.append(rows).wait().unwrap());
    series
}

fn asker(other: &Arc<dyn Sink>) -> Box<Asker> {
    let other = Arc::clone(other);
    Box::new(move |ask: LinkSums| {
        let other = Arc::clone(&other);
        Box::pin(async move {
            let series = other.series(&key(2)).unwrap();
            let told = answer(&*other, series, &ask).unwrap().unwrap();
            // As it travels.
            let bytes = serde_json::to_vec(&told).unwrap();
            assert!(bytes.len() < 256 << 10);
            Ok(serde_json::from_slice(&bytes).unwrap())
        })
    })
}

async fn compared(sink: &Arc<dyn Sink>, other: &Arc<dyn Sink>, heal: bool) -> Found {
    let wish = VerifyWish {
        series: sink.series(&key(2)).unwrap(),
        from: i64::MIN,
        to: i64::MAX,
        heal,
    };
    verify(sink, wish, &*asker(other)).await.unwrap()
}

fn visible(sink: &dyn Sink) -> Vec<Row> {
    let series = sink.series(&key(2)).unwrap();
    let rows = sink
        .samples(&SampleQuery::new(series, i64::MIN, i64::MAX))
        .unwrap();
    rows.map(|row| Row {
        series: SeriesId(0),
        ..row.unwrap()
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_healed() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (open(there.path()), open(here.path()));
    here.series(&key(77)).unwrap();
    let all = rows(1..=30_000);
    put(&*there, &all);
    put(&*here, &all[..12_000]);
    put(&*here, &all[12_003..]);
    let found = compared(&here, &there, false).await;
    assert_eq!((found.hours, found.differing.len()), (3001, 1));
    let hour = found.differing[0];
    assert_eq!((hour.missing, hour.rows_here, hour.rows_there), (3, 7, 10));
    assert_eq!(hour.start, 1200 * HOUR);
    assert!(!found.is_whole());
    let healed = compared(&here, &there, true).await;
    assert_eq!((healed.healed, healed.is_whole()), (3, true));
    let after = compared(&here, &there, false).await;
    assert_eq!((after.rows, after.differing.len()), (30_000, 0));
    assert_eq!(visible(&*here).len(), 30_000);
    assert_eq!(
        here.watermark(here.series(&key(2)).unwrap()).unwrap(),
        30_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_did_not_arrive_is_fetched() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (open(there.path()), open(here.path()));
    let all = rows(1..=100);
    put(&*there, &all);
    put(&*here, &all);
    put(&*there, &[edit(101, 2 * HOUR, 5 * HOUR)]);
    let mut new = rows(30..=30);
    new[0].row = 102;
    put(&*there, &new);
    let found = compared(&here, &there, false).await;
    assert_eq!(found.differing.len(), 3);
    let healed = compared(&here, &there, true).await;
    assert!(healed.is_whole());
    assert_eq!(healed.healed, 2);
    assert_eq!(visible(&*here), visible(&*there));
    assert_eq!(compared(&here, &there, false).await.differing, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_or_different_is_named() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (open(there.path()), open(here.path()));
    let all = rows(1..=50);
    put(&*there, &all[..40]);
    let mut other = all.clone();
    other[11].value = Logged::Number(4.000_000_1);
    put(&*here, &other);
    let found = compared(&here, &there, true).await;
    assert!(!found.is_whole());
    let sum = |of: fn(&HourFound) -> u64| found.differing.iter().map(of).sum::<u64>();
    assert_eq!(
        (sum(|hour| hour.different), sum(|hour| hour.too_many)),
        (1, 10)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_took_is_no_fault() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (origin, mine) = (open_store(there.path()), open_store(here.path()));
    for sink in [&origin, &mine] {
        put(sink, &rows(1..=50));
        sink.rotate().unwrap();
        put(sink, &rows(51..=100));
    }
    let policy = Policy {
        raw: Some(1000 * HOUR - 6 * HOUR),
        minutes: None,
        bytes: None,
        disk_percent: None,
    };
    assert_eq!(origin.retain(&policy).unwrap().files, 1);
    let (origin, mine): (Arc<dyn Sink>, Arc<dyn Sink>) = (Arc::new(origin), Arc::new(mine));
    let found = compared(&mine, &origin, true).await;
    assert_eq!(
        (found.differing.len(), found.healed, found.is_whole()),
        (0, 0, true)
    );
    // The other way round nothing is fetched that would be let go again.
    let found = compared(&origin, &mine, true).await;
    assert_eq!((found.differing.len(), found.healed), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_on_record_is_healed_or_stays_for_good() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (open(there.path()), open(here.path()));
    put(&*there, &rows(1..=60));
    let series = put(&*here, &rows(1..=20));
    put(&*here, &rows(41..=60));
    let gap = |rows: (u64, u64)| Gap {
        series,
        from: 0,
        to: 1,
        rows: Some(rows),
        cause: GapCause::Damage,
        hop: None,
        state: Healing::Open,
        since: 0,
    };
    let first = here.record_gap(&gap((21, 40))).unwrap();
    let never = here.record_gap(&gap((61, 70))).unwrap();
    assert!(compared(&here, &there, true).await.is_whole());
    let gaps = here.gaps(&GapQuery::of(series)).unwrap();
    let state = |wanted| {
        gaps.iter()
            .find(|(id, _)| *id == wanted)
            .map(|(_, gap)| gap.state)
    };
    assert_eq!(state(first), Some(Healing::Healed));
    assert_eq!(state(never), Some(Healing::Permanent));
    assert_eq!(visible(&*here), visible(&*there));
}
