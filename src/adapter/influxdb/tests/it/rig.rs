//! A runner over a server, with datapoints of a node that a test makes up.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::conformance::{Observed, TokioClock, Witness};
use mainstem_adapter::{
    AdapterRunner, AdapterSpec, AdapterState, AskError, BackoffOptions, BoxFuture, EndpointSpec,
    Installation, Outgoing, Outlet, Outlets, RunnerOptions, Site, SiteAdapter, WriteAnswer,
    WriteRequest,
};
use mainstem_adapter_influxdb::KIND;
use mainstem_device::InfluxServer;
use mainstem_model::{Access, Clock, GlobSet, Quality, Reason, Timestamp, Value, ValueType};
use serde_json::{Value as Json, json};
use tokio::sync::{Mutex, mpsc};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn endpoint(name: &str, access: Access, kind: &str, operation: Json) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        operation,
        interval: None,
        access,
        value_type: Some(kind.parse::<ValueType>().unwrap()),
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// One value, asked every 100 ms in InfluxQL.
pub(crate) fn reads(name: &str, kind: &str, query: &str) -> EndpointSpec {
    let operation = json!({"query": query, "result": "value", "interval": 100});
    endpoint(name, Access::Read, kind, operation)
}

pub(crate) fn spec(port: u16, more: &Json, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    let mut connection = json!({
        "host": "127.0.0.1", "port": port, "version": 1, "bucket": "plant", "timeout": 500,
        "probeInterval": 200, "flushInterval": 50, "minRetryDelay": 50, "maxRetryDelay": 400,
    });
    for (key, value) in more.as_object().unwrap() {
        connection[key] = value.clone();
    }
    AdapterSpec {
        name: "influx".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: "/".into(),
    }
}

/// A server, or a loud word that there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no configuration but this"
)]
pub(crate) fn influx(what: &str) -> Option<InfluxServer> {
    use std::io::Write;
    if InfluxServer::is_installed() {
        return Some(InfluxServer::start().unwrap());
    }
    let why = format!("{what}: no InfluxDB is installed");
    eprintln!("LEFT OUT: {why}");
    if let Ok(path) = std::env::var("MAINSTEM_SKIPPED") {
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(path);
        writeln!(file.unwrap(), "{why}").unwrap();
    }
    None
}

/// The node's side: what the witness sees, and datapoints to be carried out.
struct Place {
    witness: Witness,
    samples: Arc<Mutex<mpsc::Receiver<Outgoing>>>,
    wanted: Arc<parking_lot::Mutex<Option<GlobSet>>>,
}

impl Site for Place {
    fn define(&self, installation: &Installation<'_>) -> Arc<dyn SiteAdapter> {
        self.witness.define(installation)
    }

    fn outlets(&self) -> Option<&dyn Outlets> {
        Some(self)
    }
}

impl Outlets for Place {
    fn open(&self, patterns: &GlobSet) -> Box<dyn Outlet> {
        *self.wanted.lock() = Some(patterns.clone());
        Box::new(Samples(Arc::clone(&self.samples)))
    }
}

struct Samples(Arc<Mutex<mpsc::Receiver<Outgoing>>>);

impl Outlet for Samples {
    fn next<'a>(&'a mut self, out: &'a mut Vec<Outgoing>) -> BoxFuture<'a, u64> {
        Box::pin(async move {
            if self.0.lock().await.recv_many(out, 1000).await == 0 {
                std::future::pending::<()>().await;
            }
            0
        })
    }
}

pub(crate) struct Rig {
    pub(crate) witness: Witness,
    pub(crate) runner: AdapterRunner,
    clock: Arc<dyn Clock>,
    samples: mpsc::Sender<Outgoing>,
    pub(crate) wanted: Arc<parking_lot::Mutex<Option<GlobSet>>>,
}

impl Rig {
    pub(crate) fn start(spec: AdapterSpec) -> Self {
        let (samples, receiver) = mpsc::channel(100_000);
        let place = Place {
            witness: Witness::new(),
            samples: Arc::new(Mutex::new(receiver)),
            wanted: Arc::default(),
        };
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let options = RunnerOptions {
            backoff: BackoffOptions {
                initial: Duration::from_millis(50),
                max: Duration::from_millis(500),
                ..BackoffOptions::default()
            },
            ..RunnerOptions::default()
        };
        let runner = AdapterRunner::start(KIND, spec, &place, Arc::clone(&clock), options);
        Self {
            runner: runner.unwrap(),
            witness: place.witness,
            wanted: place.wanted,
            clock,
            samples,
        }
    }

    /// A datapoint of the node has a new sample.
    pub(crate) fn sample(&self, name: &str, value: Value, micros: i64) {
        let sample = Outgoing {
            name: name.into(),
            value: Some(value),
            quality: Quality::GOOD,
            time: Timestamp::from_micros(micros),
        };
        self.samples.try_send(sample).unwrap();
    }

    pub(crate) fn tell(&self, sample: Outgoing) {
        self.samples.try_send(sample).unwrap();
    }

    pub(crate) async fn state(&self, state: AdapterState) {
        self.witness.until_state(state, PATIENCE).await;
    }

    pub(crate) async fn value(&self, point: &str, wanted: &Value) {
        let has = |seen: &Observed| {
            let latest = seen.latest.get(&seen.find(point)?)?;
            let is_good = latest.quality == Quality::GOOD;
            (is_good && latest.value.as_ref() == Some(wanted)).then_some(())
        };
        let what = format!("{point} = {wanted:?}");
        self.witness.until(&what, PATIENCE, has).await;
    }

    pub(crate) async fn reason(&self, point: &str, wanted: Reason) {
        let has = |seen: &Observed| {
            let latest = seen.latest.get(&seen.find(point)?)?;
            (latest.quality == Quality::of(wanted)).then_some(())
        };
        let what = format!("{point}: {wanted:?}");
        self.witness.until(&what, PATIENCE, has).await;
    }

    pub(crate) async fn write(&self, point: &str, value: Value) -> WriteAnswer {
        let request = WriteRequest {
            point: self.runner.point(point).unwrap(),
            value,
            deadline: self.clock.monotonic().after(PATIENCE),
        };
        self.runner.write(request).await
    }

    pub(crate) async fn ask(&self, point: &str, arguments: Json) -> Result<Json, AskError> {
        let point = self.runner.point(point).unwrap();
        let deadline = self.clock.monotonic().after(PATIENCE);
        self.runner.ask(point, arguments, deadline).await
    }

    pub(crate) fn errors(&self, code: &str) -> u64 {
        let statistics = self.runner.view().statistics;
        statistics.errors.get(code).copied().unwrap_or_default()
    }

    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !is_so() {
            let statistics = self.runner.view().statistics;
            assert!(
                tokio::time::Instant::now() < until,
                "{what}: {statistics:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
