//! Runs sessions of the adapter and records what they report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::{
    AdapterIo, AdapterSpec, Built, EndpointSpec, Output, PointId, Reading, SessionEnd, Statistics,
    WriteAnswer, WriteJob,
};
use mainstem_adapter_modbus::KIND;
use mainstem_model::{Access, Clock, Monotonic, Quality, Reason, Timestamp, Value};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the adapter said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) online: usize,
    pub(crate) latest: BTreeMap<u32, Reading>,
    pub(crate) good: BTreeMap<u32, usize>,
    pub(crate) failed: BTreeMap<u32, usize>,
    pub(crate) devices: BTreeMap<usize, Quality>,
}

impl Seen {
    pub(crate) fn value(&self, point: u32) -> Option<&Value> {
        self.latest.get(&point)?.value.as_ref()
    }

    pub(crate) fn reason(&self, point: u32) -> Option<Reason> {
        self.latest
            .get(&point)
            .map(|reading| reading.quality.reason)
    }

    pub(crate) fn good(&self, point: u32) -> usize {
        self.good.get(&point).copied().unwrap_or_default()
    }
}

struct Recorder(watch::Sender<Seen>);

impl Output for Recorder {
    fn online(&self) {
        self.0.send_modify(|seen| seen.online += 1);
    }

    fn emit(&self, readings: &mut Vec<Reading>) {
        self.0.send_modify(|seen| {
            for reading in readings.drain(..) {
                let count = if reading.quality.is_good() {
                    &mut seen.good
                } else {
                    &mut seen.failed
                };
                *count.entry(reading.point.0).or_default() += 1;
                seen.latest.insert(reading.point.0, reading);
            }
        });
    }

    fn device(&self, device: usize, quality: Quality) {
        self.0.send_modify(|seen| {
            seen.devices.insert(device, quality);
        });
    }
}

/// The real clock of the process.
pub(crate) struct ProcessClock(pub(crate) Instant);

impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::default().after(self.0.elapsed())
    }
}

type Ended = (Built, AdapterIo, Result<(), SessionEnd>);

/// One adapter, session after session.
pub(crate) struct Rig {
    seen: watch::Receiver<Seen>,
    writes: mpsc::Sender<WriteJob>,
    pub(crate) stop: CancellationToken,
    pub(crate) statistics: Arc<Statistics>,
    clock: Arc<dyn Clock>,
    idle: Option<(Built, AdapterIo)>,
    session: JoinSet<Ended>,
}

/// An endpoint that is polled every 20 ms unless it says otherwise.
pub(crate) fn endpoint(access: Access, operation: Json) -> EndpointSpec {
    let interval = operation
        .get("interval")
        .and_then(Json::as_u64)
        .unwrap_or(20);
    EndpointSpec {
        name: "point".into(),
        operation,
        interval: Some(Duration::from_millis(interval)),
        access,
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

pub(crate) fn read(operation: Json) -> EndpointSpec {
    endpoint(Access::Read, operation)
}

impl Rig {
    /// An adapter for a port of this machine, with more connection options.
    pub(crate) fn new(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Self {
        let mut connection = json!({ "host": "127.0.0.1", "port": port, "socketTimeout": 300 });
        let connection = connection.as_object_mut().unwrap();
        for (key, value) in options.as_object().unwrap() {
            // Null takes away what would be there.
            match value {
                Json::Null => drop(connection.remove(key)),
                value => drop(connection.insert(key.clone(), value.clone())),
            }
        }
        let connection = Json::Object(connection.clone());
        let folder = "unused".into();
        let spec = AdapterSpec {
            name: "plc".into(),
            connection,
            endpoints,
            folder,
            home: std::path::PathBuf::new(),
        };
        let built = (KIND.build)(&spec)
            .map_err(|problems| format!("{problems:?}"))
            .unwrap();
        let (sender, seen) = watch::channel(Seen::default());
        let (writes, jobs) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let statistics = Arc::new(Statistics::default());
        let clock: Arc<dyn Clock> = Arc::new(ProcessClock(Instant::now()));
        let io = AdapterIo::new(
            Arc::new(Recorder(sender)),
            jobs,
            stop.clone(),
            Arc::clone(&clock),
            Arc::clone(&statistics),
        );
        let idle = Some((built, io));
        Self {
            seen,
            writes,
            stop,
            statistics,
            clock,
            idle,
            session: JoinSet::new(),
        }
    }

    /// Begins a session.
    pub(crate) fn start(&mut self) {
        let (mut built, mut io) = self.idle.take().unwrap();
        self.session.spawn(async move {
            let result = built.adapter.session(&mut io).await;
            (built, io, result)
        });
    }

    /// A rig whose first session has begun.
    pub(crate) fn started(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Self {
        let mut rig = Self::new(port, options, endpoints);
        rig.start();
        rig
    }

    /// Waits for the session to end by itself.
    pub(crate) async fn ended(&mut self) -> Result<(), SessionEnd> {
        let ended = tokio::time::timeout(PATIENCE, self.session.join_next()).await;
        let (built, io, result) = ended.expect("the session goes on").unwrap().unwrap();
        self.idle = Some((built, io));
        result
    }

    /// Stops the session and says how long that took.
    pub(crate) async fn stopped(&mut self) -> Duration {
        let begun = Instant::now();
        self.stop.cancel();
        assert_eq!(self.ended().await, Ok(()));
        begun.elapsed()
    }

    /// Waits until what was seen satisfies a condition.
    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Seen) -> bool) -> Seen {
        let wait = self.seen.wait_for(|seen| condition(seen));
        if let Ok(seen) = tokio::time::timeout(PATIENCE, wait).await {
            return seen.unwrap().clone();
        }
        panic!("never came: {what}; seen {:#?}", *self.seen.borrow());
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Hands a write to the session.
    pub(crate) async fn write(
        &self,
        point: u32,
        value: Value,
        within: Duration,
    ) -> oneshot::Receiver<WriteAnswer> {
        let deadline = self.clock.monotonic().after(within);
        let (job, answer) = WriteJob::new(PointId(point), value, deadline);
        self.writes.send(job).await.unwrap();
        answer
    }

    /// Writes and waits for the answer.
    pub(crate) async fn written(&self, point: u32, value: Value) -> WriteAnswer {
        let answer = self.write(point, value, Duration::from_secs(5)).await;
        tokio::time::timeout(PATIENCE, answer)
            .await
            .unwrap()
            .unwrap()
    }
}

/// Waits until something that is not reported by the adapter becomes true.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "never came: {what}");
        tokio::task::yield_now().await;
    }
}

/// A list that a test and a device share.
pub(crate) type Shared<T> = Arc<Mutex<T>>;
