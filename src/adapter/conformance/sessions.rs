//! An adapter without its runner: session after session, and what they report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_model::{Access, Clock, Quality, Reason, Value};
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{TokioClock, spec};
use crate::{
    AdapterIo, Built, EndpointSpec, Kind, Output, PointId, Reading, SessionEnd, Statistics,
    WriteAnswer, WriteJob,
};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the adapter said so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often a session came up.
    pub online: usize,
    /// The last reading of each datapoint.
    pub latest: BTreeMap<u32, Reading>,
    /// How many good readings of each.
    pub good: BTreeMap<u32, usize>,
    /// How many others of each.
    pub failed: BTreeMap<u32, usize>,
    /// What is said of each device behind it.
    pub devices: BTreeMap<usize, Quality>,
}

impl Seen {
    /// The last value of a datapoint.
    pub fn value(&self, point: u32) -> Option<&Value> {
        self.latest.get(&point)?.value.as_ref()
    }

    /// The reason of its quality.
    pub fn reason(&self, point: u32) -> Option<Reason> {
        self.latest
            .get(&point)
            .map(|reading| reading.quality.reason)
    }

    /// How many good readings it had.
    pub fn good(&self, point: u32) -> usize {
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

type Ended = (Built, AdapterIo, Result<(), SessionEnd>);

/// One adapter, session after session.
pub struct SessionRig {
    seen: watch::Receiver<Seen>,
    writes: mpsc::Sender<WriteJob>,
    /// Ends the session.
    pub stop: CancellationToken,
    /// What the sessions counted.
    pub statistics: Arc<Statistics>,
    clock: Arc<dyn Clock>,
    idle: Option<(Built, AdapterIo)>,
    session: JoinSet<Ended>,
}

/// An endpoint that is polled every 20 ms unless it says otherwise.
pub fn endpoint(access: Access, operation: Json) -> EndpointSpec {
    let interval = operation.get("interval").and_then(Json::as_u64);
    EndpointSpec {
        name: "point".into(),
        operation,
        interval: Some(Duration::from_millis(interval.unwrap_or(20))),
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

/// The connection options of a test with others laid over them; null takes one away.
pub fn with_options(mut connection: Json, options: &Json) -> Json {
    let kept = connection.as_object_mut().expect("options are an object");
    for (key, value) in options.as_object().into_iter().flatten() {
        match value {
            Json::Null => drop(kept.remove(key)),
            value => drop(kept.insert(key.clone(), value.clone())),
        }
    }
    connection
}

impl SessionRig {
    /// An adapter of a kind, not started yet.
    pub fn of(kind: &Kind, connection: Json, endpoints: Vec<EndpointSpec>) -> Self {
        let spec = spec(connection, endpoints);
        let built = (kind.build)(&spec);
        let built = built.unwrap_or_else(|problems| panic!("the spec: {problems:?}"));
        let (sender, seen) = watch::channel(Seen::default());
        let (writes, jobs) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let statistics = Arc::new(Statistics::default());
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
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
    pub fn start(&mut self) {
        let (mut built, mut io) = self.idle.take().expect("no session runs");
        self.session.spawn(async move {
            let result = built.adapter.session(&mut io).await;
            (built, io, result)
        });
    }

    /// Waits for the session to end by itself.
    pub async fn ended(&mut self) -> Result<(), SessionEnd> {
        let ended = tokio::time::timeout(PATIENCE, self.session.join_next()).await;
        let ended = ended.expect("the session ends").expect("one runs");
        let (built, io, result) = ended.expect("the session does not panic");
        self.idle = Some((built, io));
        result
    }

    /// Stops the session and says how long that took.
    pub async fn stopped(&mut self) -> Duration {
        let begun = Instant::now();
        self.stop.cancel();
        assert_eq!(self.ended().await, Ok(()));
        begun.elapsed()
    }

    /// Waits until what was seen satisfies a condition.
    pub async fn until(&mut self, what: &str, condition: impl Fn(&Seen) -> bool) -> Seen {
        let wait = self.seen.wait_for(|seen| condition(seen));
        if let Ok(seen) = tokio::time::timeout(PATIENCE, wait).await {
            return seen.expect("the session tells").clone();
        }
        panic!("never came: {what}; seen {:#?}", *self.seen.borrow());
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Hands a write to the session.
    pub async fn write(
        &self,
        point: u32,
        value: Value,
        within: Duration,
    ) -> oneshot::Receiver<WriteAnswer> {
        let deadline = self.clock.monotonic().after(within);
        let (job, answer) = WriteJob::new(PointId(point), value, deadline);
        self.writes
            .send(job)
            .await
            .expect("the session takes writes");
        answer
    }

    /// Writes and waits for the answer.
    pub async fn written(&self, point: u32, value: Value) -> WriteAnswer {
        let answer = self.write(point, value, Duration::from_secs(5)).await;
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.expect("an answer in time").expect("an answer")
    }
}
