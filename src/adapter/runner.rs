//! Runs one adapter: sessions one after the other, back-off between them, trust, writes, stop.

mod desk;
mod ending;
mod life;
mod view;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Clock, Monotonic, Value};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::desk::Desk;
use self::life::Life;
pub use self::view::{AdapterView, DeviceView};
use self::wanted::{Mode, Wanted};
use crate::{
    AdapterSpec, AskError, BackoffOptions, Door, Installation, Kind, LogLines, PointId, Problem,
    Site, Standing, States, TraceBusy, TraceReader, WriteAnswer,
};

/// Writes that may wait for the device at the same time.
pub const WRITES_WAITING_MAX: usize = 64;
/// How long a session may take to end; then it is cut off.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How a runner behaves.
#[derive(Clone)]
pub struct RunnerOptions {
    /// The waits between sessions.
    pub backoff: BackoffOptions,
    /// Without a session for this long, the adapter's datapoints are bad; before, uncertain.
    pub bad_after: Duration,
    /// Chance for the back-off, evenly distributed between 0 and 1. Tests bring their own.
    pub chance: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// The states of the node's resources, for the kind that shows them.
    pub states: States,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        let chance = Mutex::new(StdRng::from_os_rng());
        Self {
            backoff: BackoffOptions::default(),
            bad_after: Duration::from_secs(30),
            chance: Arc::new(move || chance.lock().random()),
            states: States::default(),
        }
    }
}

impl std::fmt::Debug for RunnerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("RunnerOptions");
        shown
            .field("backoff", &self.backoff)
            .field("bad_after", &self.bad_after);
        shown.finish_non_exhaustive()
    }
}

/// A wish to change a datapoint at the device.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    /// The datapoint; [`AdapterRunner::point`] finds it by name.
    pub point: PointId,
    /// The value as the datapoint shows it; scaling is inverted by the runner.
    pub value: Value,
    /// After this reading of the clock it must not be sent any more.
    pub deadline: Monotonic,
}

/// One running adapter. Dropping it ends the adapter without waiting; [`AdapterRunner::stop`]
/// waits.
pub struct AdapterRunner {
    desk: Arc<Desk>,
    wanted: watch::Sender<Wanted>,
    finished: CancellationToken,
}

impl AdapterRunner {
    /// Builds the adapter, makes it known to the site and starts it. Fails only if the
    /// configuration is wrong, with every problem, and has touched nothing then.
    pub fn start(
        kind: Kind,
        spec: AdapterSpec,
        site: &dyn Site,
        clock: Arc<dyn Clock>,
        options: RunnerOptions,
    ) -> Result<Self, Vec<Problem>> {
        let mut built = (kind.build)(&spec)?;
        if let Some((wanted, outlets)) = built.adapter.carries_out().zip(site.outlets()) {
            built.adapter.take_outlet(outlets.open(&wanted));
        }
        let seat = site.define(&Installation {
            adapter: &spec.name,
            kind: kind.name,
            points: &built.points,
            devices: &built.devices,
        });
        let desk = Arc::new(Desk::new(kind, &spec, &built, seat, clock));
        let (wanted, receiver) = watch::channel(Wanted::default());
        let finished = CancellationToken::new();
        let tasks = TaskTracker::new();
        let life = Life::new(
            Arc::clone(&desk),
            spec,
            built.adapter,
            options,
            receiver,
            tasks.clone(),
        );
        let done = finished.clone().drop_guard();
        tasks.spawn(async move {
            // Dropped last, however the life ends: whoever waits in `stop` is woken.
            let _done = done;
            life.run().await;
        });
        Ok(Self {
            desk,
            wanted,
            finished,
        })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.desk.name
    }

    /// Finds a datapoint by its name below the adapter's name.
    pub fn point(&self, name: &str) -> Option<PointId> {
        self.desk.point(name)
    }

    /// Ends the session and opens none until [`AdapterRunner::resume`].
    pub fn pause(&self) {
        self.wanted.send_modify(|wanted| wanted.pause());
    }

    /// Runs again; if it runs already and waits for its next try, tries now.
    pub fn resume(&self) {
        self.wanted.send_modify(|wanted| wanted.resume());
    }

    /// Ends the adapter for good. Returns when its session has ended, or was cut off after
    /// [`STOP_TIMEOUT`]. Nothing reaches the site afterwards.
    pub async fn stop(&self) {
        self.wanted.send_modify(|wanted| wanted.mode = Mode::Stop);
        self.finished.cancelled().await;
    }

    /// Hands a write to the device. The answer comes exactly once, whatever happens to the link.
    ///
    /// Without a session it is refused at once, and so it is when [`WRITES_WAITING_MAX`] writes
    /// wait already; access, type and limits of the datapoint are checked first.
    pub fn write(
        &self,
        request: WriteRequest,
    ) -> impl Future<Output = WriteAnswer> + Send + 'static {
        let submitted = self.desk.submit(request);
        async move {
            match submitted {
                Err(answer) => answer,
                // A job answers when it is dropped, so a closed channel cannot be; if it is, then
                // nobody can tell.
                Ok(answer) => answer.await.unwrap_or_else(|_| WriteAnswer::Unknown {
                    message: "the write was lost in the adapter".into(),
                }),
            }
        }
    }

    /// Asks the device about a datapoint, with arguments in the kind's words, until a deadline.
    pub fn ask(
        &self,
        point: PointId,
        arguments: serde_json::Value,
        deadline: Monotonic,
    ) -> impl Future<Output = Result<serde_json::Value, AskError>> + Send + 'static {
        let asked = self.desk.ask(point, arguments, deadline);
        let patience = deadline.since(self.desk.clock.monotonic());
        async move {
            match tokio::time::timeout(patience, asked?).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(AskError::Failed("the session ended meanwhile".into())),
                Err(_) => Err(AskError::Failed("no answer in time".into())),
            }
        }
    }

    /// Where programs come in, if its kind waits for one.
    pub fn door(&self) -> Option<Arc<Door>> {
        self.desk.door.clone()
    }

    /// The last lines that it said.
    pub fn log(&self) -> Arc<LogLines> {
        Arc::clone(&self.desk.log)
    }

    /// A seat at the adapter's wire: its frames, session after session, until it is dropped.
    pub fn trace(&self) -> Result<TraceReader, TraceBusy> {
        self.desk.trace.read()
    }

    /// The state now.
    pub fn standing(&self) -> Standing {
        self.desk.standing()
    }

    /// Everything that the adapter's page shows.
    pub fn view(&self) -> AdapterView {
        self.desk.view()
    }
}

impl Drop for AdapterRunner {
    fn drop(&mut self) {
        self.wanted.send_modify(|wanted| wanted.mode = Mode::Stop);
    }
}

#[cfg(test)]
mod tests;
