//! What a kind brings to its conformance tests, and the runner around it.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Clock, Value};

use super::{TokioClock, Witness};
use crate::{
    AdapterRunner, AdapterSpec, BackoffOptions, BoxFuture, Kind, RunnerOptions, WriteAnswer,
    WriteRequest,
};

/// The first wait of the rig's back-off; it doubles up to [`BACKOFF_MAX`], without jitter.
pub(super) const BACKOFF_INITIAL: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// How long anything may take that has no limit of its own. Foreign peers take their time to
/// start; the suite's own tests, which let rules run out, have a peer in the process.
pub(super) const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 4 } else { 15 });

/// A kind, a peer for it, and configurations. Methods that stand for a rule that the kind's row
/// does not name need not be there; the ones given here say so loudly when they are called.
pub trait Fixture: Send {
    /// The kind under test.
    fn kind(&self) -> Kind;

    /// A configuration for the peer under which every datapoint that can be read becomes good.
    /// Valid before [`Fixture::start`], so the peer's port is chosen earlier.
    fn spec(&self) -> AdapterSpec;

    /// Datapoints of [`Fixture::spec`] that this machine may be unable to tell.
    fn unsure(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// A wrong configuration and the pointers of all its problems, at least two.
    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>);

    /// A configuration with one address that the peer does not have, and its datapoint's name.
    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        unsupported("bad_address")
    }

    /// A datapoint of [`Fixture::spec`] that can be written, and a value that it accepts.
    fn write(&self) -> (&'static str, Value) {
        unsupported("write")
    }

    /// How many writes the peer has carried out.
    fn writes_seen(&self) -> usize {
        unsupported("writes_seen")
    }

    /// How long the adapter may believe in a peer that has fallen silent.
    fn silence_limit(&self) -> Duration {
        unsupported("silence_limit")
    }

    /// Lets a peer that comes to the adapter know where it is. Called once per runner, before
    /// anything is waited for.
    fn attach(&self, runner: &AdapterRunner) {
        let _ = runner;
    }

    /// Starts the peer, again after [`Fixture::stop`], or lets it go on after a freeze.
    fn start(&mut self) -> BoxFuture<'_, ()>;

    /// Ends the peer; its connections close.
    fn stop<'a>(&'a mut self, runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        let _ = runner;
        unsupported("stop")
    }

    /// Lets the peer fall silent with its connections open.
    fn freeze<'a>(&'a mut self, runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        let _ = runner;
        unsupported("freeze")
    }

    /// From now on the peer answers with bytes that mean nothing.
    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        unsupported("garbage")
    }
}

fn unsupported(method: &str) -> ! {
    panic!("this kind's row names a rule that needs the fixture's `{method}`, which is not there")
}

/// A fixture with a runner and a witness around it.
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
        fixture.attach(&rig.runner);
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
        let point = self
            .runner
            .point(name)
            .expect("the fixture names a datapoint of its spec");
        let deadline = self.clock.monotonic().after(within);
        self.runner.write(WriteRequest {
            point,
            value,
            deadline,
        })
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
