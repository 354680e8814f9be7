//! A runner over a broker.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::conformance::TokioClock;
use mainstem_adapter::{
    AdapterRunner, AdapterSpec, EndpointSpec, Installation, RunnerOptions, Site, SiteAdapter,
    Standing, WriteAnswer, WriteRequest,
};
use mainstem_adapter_mqtt::KIND;
use mainstem_model::{Access, Clock, Quality, Reason, Sample, Value, ValueType};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

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

pub(crate) fn spec(port: u16, more: &Json, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    let mut connection = json!({ "host": "127.0.0.1", "port": port, "keepalive": 5 });
    for (key, value) in more.as_object().into_iter().flatten() {
        connection[key] = value.clone();
    }
    AdapterSpec {
        name: "hall".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: "unused".into(),
    }
}

/// What a datapoint was said to be last.
type Last = Option<(Option<Value>, Quality)>;

#[derive(Default)]
struct Seat {
    last: Mutex<Vec<Last>>,
}

/// The seat as the runner sees it.
struct Place(Arc<Seat>);

impl Site for Place {
    fn define(&self, installation: &Installation<'_>) -> Arc<dyn SiteAdapter> {
        *self.0.last.lock() = vec![None; installation.points.len()];
        Arc::new(Self(Arc::clone(&self.0)))
    }
}

impl SiteAdapter for Place {
    fn apply(&self, batch: &mut Vec<(mainstem_adapter::PointId, Sample)>) {
        for (point, sample) in batch.drain(..) {
            self.0.last.lock()[point.0 as usize] = Some((sample.value, sample.quality));
        }
    }

    fn status(&self, _device: Option<usize>, _quality: Quality) {}

    fn confirm(&self, _device: Option<usize>) {}

    fn standing(&self, _standing: &Standing) {}
}

pub(crate) struct Rig {
    seat: Arc<Seat>,
    pub(crate) runner: AdapterRunner,
    clock: Arc<dyn Clock>,
}

impl Rig {
    pub(crate) fn start(spec: AdapterSpec) -> Self {
        let seat = Arc::new(Seat::default());
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let options = RunnerOptions::default();
        let runner = AdapterRunner::start(
            KIND,
            spec,
            &Place(Arc::clone(&seat)),
            Arc::clone(&clock),
            options,
        );
        Self {
            runner: runner.unwrap(),
            seat,
            clock,
        }
    }

    fn last(&self, point: &str) -> Option<(Option<Value>, Quality)> {
        let point = self.runner.point(point).unwrap();
        self.seat.last.lock()[point.0 as usize].clone()
    }

    pub(crate) async fn value(&self, point: &str, wanted: &Value) {
        self.until(|rig| {
            rig.last(point).is_some_and(|(value, quality)| {
                value.as_ref() == Some(wanted) && quality == Quality::GOOD
            })
        })
        .await;
    }

    pub(crate) async fn reason(&self, point: &str, wanted: Reason) {
        self.until(|rig| {
            rig.last(point)
                .is_some_and(|(_, quality)| quality == Quality::of(wanted))
        })
        .await;
    }

    pub(crate) async fn online(&self) {
        self.until(|rig| rig.runner.standing().state == mainstem_adapter::AdapterState::Online)
            .await;
    }

    pub(crate) async fn until(&self, what: impl Fn(&Self) -> bool) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !what(self) {
            let shown = (self.runner.standing(), self.seat.last.lock().clone());
            assert!(tokio::time::Instant::now() < until, "{shown:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn write(&self, point: &str, value: Value) -> WriteAnswer {
        let point = self.runner.point(point).unwrap();
        let deadline = self.clock.monotonic().after(PATIENCE);
        let request = WriteRequest {
            point,
            value,
            deadline,
        };
        self.runner.write(request).await
    }
}
