//! A recorder on a store, without a node around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_model::{
    Definition, Name, NodeId, Quality, Reason, Role, Sample, Scalar, Timestamp, Value,
};
use mainstem_store::{PointId, SourceId, Store, StoreLimits, StoreSetup};
use mainstem_telemetry::{Health, Metrics, SystemClock};
use mainstem_wire::Epoch;
use tempfile::TempDir;

use super::memory::MemorySink;
use crate::config::LoggersConfig;
use crate::recorder::{Recorder, RecorderSetup};
use crate::{Row, SeriesId, Sink, Step};

const PATIENCE: Duration = Duration::from_secs(20);

struct Site {
    store: Arc<Store>,
    sink: Arc<MemorySink>,
    health: Health,
    folder: TempDir,
    config: LoggersConfig,
    source: SourceId,
    point: PointId,
}

impl Site {
    fn new(logger: &serde_json::Value, log_bytes: usize) -> Self {
        let clock: Arc<SystemClock> = Arc::new(SystemClock);
        let limits = StoreLimits {
            log_bytes,
            ..StoreLimits::default()
        };
        let store = Store::new(StoreSetup {
            node: NodeId(uuid::Uuid::nil()),
            name: "a".into(),
            instance: 1,
            epoch: Epoch {
                counter: 1,
                random: 1,
            },
            clock: Arc::clone(&clock) as _,
            limits,
        });
        let source = store.put_own_source(None, "plc", Role::Adapter, Quality::GOOD, true);
        let name = Name::new("plc.level").unwrap();
        let definition = Definition::new(Scalar::F64).unit("m").description("Tank");
        let point = store.define(source, &name, definition).unwrap();
        let config = serde_json::json!({ "record": { "level": logger }, "commit": "1ms" });
        Self {
            store,
            sink: Arc::default(),
            health: Health::new(clock),
            folder: TempDir::new().unwrap(),
            config: serde_json::from_value(config).unwrap(),
            source,
            point,
        }
    }

    fn record(&self) -> Recorder {
        Recorder::start(RecorderSetup {
            config: self.config.clone(),
            store: Arc::clone(&self.store),
            sink: Arc::clone(&self.sink) as _,
            alive: self.folder.path().join("alive"),
            health: self.health.clone(),
            metrics: Metrics::new(),
        })
        .unwrap()
    }

    fn sample(&self, at: i64, value: f64) {
        let time = Some(Timestamp::from_micros(at));
        let sample = Sample::good(Value::F64(value), time);
        self.store
            .apply(self.source, &mut vec![(self.point, sample)]);
    }

    fn rows(&self) -> Vec<Row> {
        self.sink.all(SeriesId(1))
    }

    async fn until(&self, what: &str, is: impl Fn(&[Row]) -> bool) -> Vec<Row> {
        let begun = Instant::now();
        loop {
            let rows = self.rows();
            if is(&rows) {
                return rows;
            }
            assert!(begun.elapsed() < PATIENCE, "not in time: {what}: {rows:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn reasons(rows: &[Row]) -> Vec<Reason> {
    let quality = |row: &Row| Quality::from_code(row.quality).reason;
    rows.iter().map(quality).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_source_and_a_restart_leave_no_hole_that_is_not_told() {
    let site = Site::new(&serde_json::json!({ "datapoint": "plc.level" }), 1 << 20);
    let now = site.store.clock().now().micros();
    site.sample(now, 1.0);
    let recorder = site.record();
    site.until("the value that was there", |rows| rows.len() == 1)
        .await;
    site.sample(now + 1, 2.0);
    site.sample(now + 2, 2.0);
    site.until("a change", |rows| rows.len() == 2).await;
    site.store
        .set_status(site.source, Quality::of(Reason::AdapterDown));
    site.until("the loss", |rows| rows.len() == 3).await;
    site.store.set_status(site.source, Quality::GOOD);
    let rows = site.until("the return", |rows| rows.len() == 4).await;
    assert_eq!(reasons(&rows)[2..], [Reason::AdapterDown, Reason::Ok]);
    assert_eq!(rows[3].value.as_f64(), Some(2.0));
    let view = recorder.book().get("level").unwrap();
    assert_eq!(
        (view.unit.as_deref(), view.description.as_deref()),
        (Some("m"), Some("Tank"))
    );
    assert!(view.recording);
    recorder.stop().await;
    let rows = site.rows();
    assert_eq!(reasons(&rows).last(), Some(&Reason::Stopped));
    let rollups = site.sink.all_rollups();
    let month = rollups.iter().find(|r| r.step == Step::Month).unwrap();
    assert_eq!(
        (month.count, month.good, month.min, month.max),
        (5, 3, 1.0, 2.0)
    );

    // The next life begins with what is so then, and with a number of its own.
    let recorder = site.record();
    let rows = site.until("the new life", |rows| rows.len() == 6).await;
    assert_eq!(reasons(&rows)[4..], [Reason::Stopped, Reason::Ok]);
    let numbers: Vec<u64> = rows.iter().map(|row| row.row).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert!(rows.is_sorted_by_key(|row| row.time));
    recorder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_wait_for_a_sink_that_is_away() {
    let site = Site::new(&serde_json::json!({ "datapoint": "plc.level" }), 1 << 20);
    let now = site.store.clock().now().micros();
    site.sample(now, 0.0);
    let recorder = site.record();
    site.until("the first", |rows| rows.len() == 1).await;
    site.sink.set_away(true);
    (1..100).for_each(|n| site.sample(now + n, n as f64));
    let begun = Instant::now();
    while !site
        .health
        .list()
        .iter()
        .any(|problem| problem.problem.id == "loggers.spool")
    {
        assert!(begun.elapsed() < PATIENCE, "nobody says so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(site.rows().len(), 1);
    site.sink.set_away(false);
    let rows = site.until("all of them", |rows| rows.len() == 100).await;
    assert!(
        rows.iter()
            .zip(0..)
            .all(|(row, n)| row.value.as_f64() == Some(f64::from(n)))
    );
    recorder.stop().await;
}

/// The spool is full, the feed forgets: that is a gap, not a value that did not change.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_feed_forgot_is_a_gap() {
    let mut site = Site::new(
        &serde_json::json!({ "datapoint": "plc.level", "samples": "every" }),
        16 << 10,
    );
    site.config.spool = 10_000;
    let now = site.store.clock().now().micros() - 10_000_000;
    site.sample(now, 0.0);
    let recorder = site.record();
    site.until("the first", |rows| rows.len() == 1).await;
    site.sink.set_away(true);
    let mut at = now;
    let begun = Instant::now();
    while site.store.statistics().evicted == 0 || at < now + 5000 {
        at += 1;
        site.sample(at, at as f64);
        assert!(begun.elapsed() < PATIENCE);
        if at % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    site.sink.set_away(false);
    let last = at as f64;
    let rows = site
        .until("the newest", |rows| {
            rows.iter().any(|row| row.value.as_f64() == Some(last))
        })
        .await;
    let lost = reasons(&rows).contains(&Reason::NotRecorded);
    assert!(lost && rows.len() < 5000, "{}", rows.len());
    recorder.stop().await;
    assert_eq!(
        site.sink.watermark(SeriesId(1)).unwrap(),
        site.rows().len() as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_is_kept_while_nothing_changes() {
    let site = Site::new(
        &serde_json::json!({ "match": ["plc.**"], "samples": "interval", "interval": "100ms" }),
        1 << 20,
    );
    site.sample(site.store.clock().now().micros(), 4.0);
    let recorder = site.record();
    let rows = site.until("some of them", |rows| rows.len() >= 4).await;
    assert!(
        rows[1..].iter().all(|row| row.time % 100_000 == 0),
        "{rows:?}"
    );
    assert!(recorder.book().get("level.plc.level").unwrap().recording);
    recorder.stop().await;
}
