//! The disk of the data loggers as datapoints `system.storage.…` and as figures for Prometheus.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use mainstem_datalogger::{Outlook, Policy, Sink, SqliteSink, Stats};
use mainstem_model::{Definition, Monotonic, Name, Quality, Reason, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{FloatGauge, Gauge, Metrics};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What all of the datapoints begin with.
const PREFIX: &str = "system.storage";
/// How often the disk is asked.
const EVERY: Duration = Duration::from_secs(5);
/// How long it may take to answer: a dead disk answers never.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// Before so much time has passed, what was written says nothing about a day.
const WRITTEN_AFTER: Duration = Duration::from_secs(60);
const DAY_SECONDS: f64 = 86_400.0;

/// Name, type, unit and description of each.
const POINTS: [(&str, Scalar, &str, &str); 5] = [
    (
        "used",
        Scalar::U64,
        "B",
        "What the data loggers take of their disk.",
    ),
    (
        "free",
        Scalar::U64,
        "B",
        "What is free on the disk of the data loggers.",
    ),
    (
        "bytes_per_day",
        Scalar::F64,
        "B",
        "By how much the data loggers grow in a day, measured over the last seven.",
    ),
    (
        "written_per_day",
        Scalar::F64,
        "B",
        "What this process writes to disks in a day, measured since its start.",
    ),
    (
        "days_left",
        Scalar::F64,
        "d",
        "Until the oldest samples go before their time for want of room; 36500: that does not come.",
    ),
];

/// Whether a datapoint of the node is one of these.
pub(in crate::app) fn is_storage(name: &str) -> bool {
    let rest = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| POINTS.iter().any(|point| point.0 == rest))
}

/// The task that asks, and how it is ended.
pub(super) struct Storage {
    store: Arc<Store>,
    points: Vec<Option<PointId>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Storage {
    pub(super) fn start(
        store: Arc<Store>,
        metrics: &Metrics,
        watched: (Arc<SqliteSink>, Policy),
    ) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let name = Arc::clone(&store.setup().name);
        let source = store.put_own_source(None, &name, Role::Node, Quality::GOOD, true);
        let points: Vec<_> = POINTS
            .iter()
            .map(|(name, scalar, unit, text)| {
                let definition = Definition::new(*scalar).unit(unit).description(text);
                let name = Name::local(&format!("{PREFIX}.{name}")).ok()?;
                let defined = store.define(source, &name, definition);
                if let Err(error) = &defined {
                    tracing::warn!(%name, %error, "the disk of the data loggers is not shown there");
                }
                defined.ok()
            })
            .collect();
        let teller = Teller {
            store: Arc::clone(&store),
            source,
            points: points.clone(),
            gauges: Gauges::new(metrics),
            began: store.clock().monotonic(),
            written: written().unwrap_or(0),
        };
        tasks.spawn(teller.tell(watched, stop.clone()));
        tasks.close();
        Self {
            store,
            points,
            stop,
            tasks,
        }
    }

    /// Ends it, and takes out what nobody keeps up to date any more.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        let points: Vec<PointId> = self.points.iter().flatten().copied().collect();
        self.store.remove_points(&points);
    }
}

struct Teller {
    store: Arc<Store>,
    source: SourceId,
    points: Vec<Option<PointId>>,
    gauges: Gauges,
    began: Monotonic,
    /// What this process had written then.
    written: u64,
}

impl Teller {
    async fn tell(self, (sink, policy): (Arc<SqliteSink>, Policy), stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut asked = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // A disk that does not answer holds one thread, not one for each question.
            let question = asked.get_or_insert_with(|| {
                let sink = Arc::clone(&sink);
                tokio::task::spawn_blocking(move || (sink.outlook(&policy), sink.stats()))
            });
            tokio::select! {
                () = stop.cancelled() => return,
                answer = tokio::time::timeout(ANSWER_MAX, question) => match answer {
                    Ok(answer) => {
                        asked = None;
                        if let Ok((outlook, stats)) = answer {
                            self.gauges.set(&outlook, &stats);
                            self.publish(Some(&outlook));
                        }
                    }
                    Err(_) => self.publish(None),
                }
            }
        }
    }

    fn publish(&self, outlook: Option<&Outlook>) {
        let whole = |value: Option<u64>| value.map(Value::UInt);
        let part = |value: Option<f64>| value.map(Value::F64);
        let values = [
            whole(outlook.map(|outlook| outlook.used)),
            whole(outlook.and_then(|outlook| outlook.free)),
            part(outlook.and_then(|outlook| outlook.bytes_per_day)),
            part(self.written_per_day()),
            part(outlook.and_then(|outlook| outlook.days_left)),
        ];
        // Without an answer the disk is at fault; with one it is only too early to say.
        let reason = match outlook {
            Some(_) => Reason::Waiting,
            None => Reason::DeviceError,
        };
        let batch = self.points.iter().zip(values).filter_map(|(point, value)| {
            let quality = match value {
                Some(_) => Quality::GOOD,
                None => Quality::of(reason),
            };
            let sample = Sample {
                value,
                quality,
                source_time: None,
            };
            Some(((*point)?, sample))
        });
        self.store.apply(self.source, &mut batch.collect());
    }

    fn written_per_day(&self) -> Option<f64> {
        let time = self.store.clock().monotonic().since(self.began);
        let more = written()?.saturating_sub(self.written);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let a_day = more as f64 / time.as_secs_f64() * DAY_SECONDS;
        (time >= WRITTEN_AFTER).then_some(a_day)
    }
}

/// Bytes that this process had the system write to disks.
fn written() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    line?.trim().parse().ok()
}

/// The figures of the store.
struct Gauges {
    whole: [Gauge; 7],
    bytes_per_day: FloatGauge,
    days_left: FloatGauge,
}

impl Gauges {
    fn new(metrics: &Metrics) -> Self {
        Self {
            whole: [
                metrics.gauge("logger_bytes", "Bytes of the store's files"),
                metrics.gauge("logger_held", "Rows held"),
                metrics.gauge(
                    "logger_staged",
                    "Rows not yet settled into compressed blocks",
                ),
                metrics.gauge("logger_queue", "Rows in the queue of the writing thread"),
                metrics.gauge("logger_parts", "Files of samples"),
                metrics.gauge("logger_series", "Series known"),
                metrics.gauge("logger_commits", "Commits since the store was opened"),
            ],
            bytes_per_day: metrics.float_gauge("logger_bytes_per_day", "Bytes that a day adds"),
            days_left: metrics.float_gauge("logger_days_left", "Days until the room is used up"),
        }
    }

    fn set(&self, outlook: &Outlook, stats: &Stats) {
        let values = [
            stats.bytes,
            stats.rows,
            stats.staged,
            stats.waiting,
            stats.files,
            stats.series,
            stats.commits,
        ];
        for (gauge, value) in self.whole.iter().zip(values) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.bytes_per_day
            .set(outlook.bytes_per_day.unwrap_or(f64::NAN));
        self.days_left.set(outlook.days_left.unwrap_or(f64::NAN));
    }
}
