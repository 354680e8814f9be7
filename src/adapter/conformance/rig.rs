//! An adapter with its runner, as in a node.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Clock, Quality, Reason, Value};
use serde_json::Value as Json;

use super::{Fixture, Observed, TokioClock, Witness};
use crate::{
    AdapterRunner, AdapterSpec, AdapterState, AskError, BackoffOptions, Kind, PointId,
    RunnerOptions, WriteAnswer, WriteRequest,
};

/// The first wait of the rig's back-off; it doubles up to [`BACKOFF_MAX`], without jitter.
pub(super) const BACKOFF_INITIAL: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// How long anything may take that has no limit of its own. Foreign peers take their time to
/// start; the suite's own tests, which let rules run out, have a peer in the process.
pub(super) const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 4 } else { 15 });

/// A runner over a kind, and a witness of what it tells.
pub struct Rig {
    /// What the runner told.
    pub witness: Witness,
    /// The runner under test.
    pub runner: AdapterRunner,
    /// The clock of both.
    pub clock: Arc<dyn Clock>,
}

impl Rig {
    /// Starts a runner over the fixture's good configuration.
    pub(super) fn of(fixture: &dyn Fixture) -> Self {
        let mut options = options();
        // A session that was online at all begins the waits anew: ten reconnects are soon done.
        options.backoff.steady_after = Duration::ZERO;
        let rig = Self::with_options(fixture.kind(), fixture.spec(), options);
        rig.witness.leave_out(&fixture.unsure());
        rig
    }

    /// Starts a runner with short waits and no chance in them.
    pub fn start(kind: Kind, spec: AdapterSpec) -> Self {
        Self::with_options(kind, spec, options())
    }

    /// Starts a runner.
    pub fn with_options(kind: Kind, spec: AdapterSpec, options: RunnerOptions) -> Self {
        let witness = Witness::new();
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let started = AdapterRunner::start(kind, spec, &witness, Arc::clone(&clock), options);
        let runner = started.unwrap_or_else(|problems| panic!("the good spec: {problems:?}"));
        Self {
            witness,
            runner,
            clock,
        }
    }

    /// Writes a datapoint by name, with a deadline from now.
    pub fn write(
        &self,
        name: &str,
        value: Value,
        within: Duration,
    ) -> impl Future<Output = WriteAnswer> + Send + 'static {
        let point = self.point(name);
        let deadline = self.clock.monotonic().after(within);
        self.runner.write(WriteRequest {
            point,
            value,
            deadline,
        })
    }

    /// Asks a datapoint by name, as a program on the bus would.
    pub async fn ask(&self, name: &str, arguments: Json) -> Result<Json, AskError> {
        let deadline = self.clock.monotonic().after(PATIENCE);
        self.runner.ask(self.point(name), arguments, deadline).await
    }

    /// Waits for a good value of a datapoint.
    pub async fn value(&self, name: &str, wanted: &Value) {
        let point = self.point(name);
        let is_there = |seen: &Observed| {
            let sample = seen.latest.get(&point)?;
            let is_it = sample.value.as_ref() == Some(wanted) && sample.quality.is_good();
            is_it.then_some(())
        };
        let what = format!("{name} is {wanted:?}");
        self.witness.until(&what, PATIENCE, is_there).await;
    }

    /// Waits for a reason in the quality of a datapoint.
    pub async fn reason(&self, name: &str, wanted: Reason) {
        let point = self.point(name);
        let is_there = |seen: &Observed| {
            let quality = seen.latest.get(&point)?.quality;
            (quality == Quality::of(wanted)).then_some(())
        };
        let what = format!("{name} is bad because of {wanted:?}");
        self.witness.until(&what, PATIENCE, is_there).await;
    }

    /// Waits for the connection.
    pub async fn online(&self) {
        self.witness
            .until_state(AdapterState::Online, PATIENCE)
            .await;
    }

    /// Waits for what nobody tells the witness.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let begun = self.clock.monotonic();
        while !is_so(self) {
            let waited = self.clock.monotonic().since(begun);
            assert!(waited < PATIENCE, "{:?}", self.witness.observed().latest);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn point(&self, name: &str) -> PointId {
        let point = self.runner.point(name);
        point.unwrap_or_else(|| panic!("the spec has no datapoint {name}"))
    }
}

fn options() -> RunnerOptions {
    RunnerOptions {
        backoff: BackoffOptions {
            initial: BACKOFF_INITIAL,
            max: BACKOFF_MAX,
            factor: 2.0,
            steady_after: Duration::from_secs(5),
        },
        chance: Arc::new(|| 1.0),
        ..RunnerOptions::default()
    }
}
