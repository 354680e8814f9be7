//! An adapter with its surroundings: a list instead of the store. The foreign-peer tests use this
//! file too, so it sees nothing but the adapter contract.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::{
    Adapter, AdapterIo, AdapterSpec, Built, EndpointSpec, Kind, Output, PointId, Reading,
    SessionEnd, Statistics, WriteAnswer, WriteJob,
};
use mainstem_model::{Access, Clock, Monotonic, Quality, Reason, Timestamp, Value};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take here. Generous: machines that build are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The real clocks.
pub(crate) struct RealClock(Instant);

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::from_micros(since.as_micros().try_into().unwrap())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_micros(1 + u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

/// What an adapter said, in order.
pub(crate) struct Recorder {
    readings: Mutex<Vec<Reading>>,
    online: Mutex<usize>,
    changed: watch::Sender<u64>,
}

impl Output for Recorder {
    fn online(&self) {
        *self.online.lock() += 1;
        self.changed.send_modify(|count| *count += 1);
    }

    fn emit(&self, readings: &mut Vec<Reading>) {
        self.readings.lock().append(readings);
        self.changed.send_modify(|count| *count += 1);
    }

    fn device(&self, _: usize, _: Quality) {}
}

/// A session that runs.
pub(crate) struct Session {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) clock: Arc<RealClock>,
    writes: mpsc::Sender<WriteJob>,
    stop: CancellationToken,
    task: JoinHandle<(Box<dyn Adapter>, Result<(), SessionEnd>)>,
}

/// An endpoint of type and access, and the rest as JSON: `interval` in milliseconds.
pub(crate) fn endpoint(
    name: &str,
    value_type: &str,
    access: Access,
    operation: serde_json::Value,
) -> EndpointSpec {
    let interval = operation
        .get("interval")
        .and_then(serde_json::Value::as_u64);
    EndpointSpec {
        name: name.into(),
        operation,
        interval: interval.map(Duration::from_millis),
        access,
        value_type: (!value_type.is_empty()).then(|| value_type.parse().unwrap()),
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// A subscribed endpoint, quick enough for tests.
pub(crate) fn subscribed(name: &str, value_type: &str, node: &str) -> EndpointSpec {
    let operation = json!({ "nodeId": node, "publishInterval": 50 });
    endpoint(name, value_type, Access::ReadWrite, operation)
}

/// An adapter that is not connected; without security, unless the connection says otherwise.
pub(crate) fn built(
    kind: &Kind,
    folder: &Path,
    mut connection: serde_json::Value,
    endpoints: Vec<EndpointSpec>,
) -> Built {
    if connection.get("securityPolicy").is_none() {
        connection["securityPolicy"] = "None".into();
    }
    let spec = AdapterSpec {
        name: "press".into(),
        connection,
        endpoints,
        folder: folder.to_owned(),
        home: folder.to_owned(),
    };
    (kind.build)(&spec).unwrap_or_else(|problems| panic!("{problems:?}"))
}

impl Session {
    /// Starts one session of an adapter.
    pub(crate) fn start(mut adapter: Box<dyn Adapter>) -> Self {
        let recorder = Arc::new(Recorder {
            readings: Mutex::default(),
            online: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let statistics = Arc::new(Statistics::default());
        let clock = Arc::new(RealClock(Instant::now()));
        let (writes, jobs) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let mut io = AdapterIo::new(
            recorder.clone(),
            jobs,
            stop.clone(),
            clock.clone(),
            statistics.clone(),
        );
        let task = tokio::spawn(async move {
            let ended = adapter.session(&mut io).await;
            (adapter, ended)
        });
        Self {
            recorder,
            statistics,
            clock,
            writes,
            stop,
            task,
        }
    }

    /// Waits until what was recorded fits.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut fits: impl FnMut(&Recorder) -> Option<T>,
    ) -> T {
        let mut changes = self.recorder.changed.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = fits(&self.recorder) {
                    return found;
                }
                // Counters change without a word.
                let look = Duration::from_millis(100);
                drop(tokio::time::timeout(look, changes.changed()).await);
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => {
                let errors = self.statistics.snapshot().errors;
                let ended = self.task.is_finished();
                let mut readings = self.recorder.all();
                readings.truncate(20);
                panic!("{what}: not so after {PATIENCE:?}, ended: {ended}; {errors:?} {readings:?}")
            }
        }
    }

    pub(crate) async fn until_online(&self) {
        self.until("online", |recorder| {
            (*recorder.online.lock() > 0).then_some(())
        })
        .await;
    }

    /// Waits for a value of a datapoint.
    pub(crate) async fn until_value(&self, point: u32, value: Value) -> Reading {
        self.until(&format!("{point} = {value:?}"), |recorder| {
            recorder
                .last(point)
                .filter(|reading| reading.value.as_ref() == Some(&value))
        })
        .await
    }

    /// Waits for a quality of a datapoint.
    pub(crate) async fn until_reason(&self, point: u32, reason: Reason) -> Reading {
        self.until(&format!("{point}: {reason:?}"), |recorder| {
            recorder
                .last(point)
                .filter(|reading| reading.quality.reason == reason)
        })
        .await
    }

    pub(crate) async fn write(&self, point: u32, value: Value) -> WriteAnswer {
        self.write_within(point, value, Duration::from_secs(30))
            .await
    }

    pub(crate) async fn write_within(
        &self,
        point: u32,
        value: Value,
        time: Duration,
    ) -> WriteAnswer {
        let deadline = self.clock.monotonic().after(time);
        let (job, answer) = WriteJob::new(PointId(point), value, deadline);
        self.writes.send(job).await.unwrap();
        tokio::time::timeout(PATIENCE, answer)
            .await
            .unwrap()
            .unwrap()
    }

    /// Drops the session's future where it stands.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }

    /// Stops it and gives the adapter back for another session.
    pub(crate) async fn stop(self) -> (Box<dyn Adapter>, Result<(), SessionEnd>) {
        self.stop.cancel();
        self.end().await
    }

    /// Waits until it ends by itself.
    pub(crate) async fn end(self) -> (Box<dyn Adapter>, Result<(), SessionEnd>) {
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
    }
}

impl Recorder {
    /// The last reading of a datapoint.
    pub(crate) fn last(&self, point: u32) -> Option<Reading> {
        self.readings
            .lock()
            .iter()
            .rev()
            .find(|reading| reading.point.0 == point)
            .cloned()
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<Reading> {
        self.readings.lock().clone()
    }
}
