//! What an adapter may ask of its surroundings during a session.

use std::sync::Arc;

use mainstem_model::{Clock, Monotonic, Quality};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Asks, Door, LogLines, LogSource, PointId, Reading, States, Statistics, Trace, WriteJob,
};

/// Where readings go. The runner implements it over the store; tests over a list.
pub trait Output: Send + Sync {
    /// The session is up: what hangs on this adapter is trusted again as soon as it was read.
    fn online(&self);

    /// Applies readings in their order, as one batch. Drains the list.
    fn emit(&self, readings: &mut Vec<Reading>);

    /// The state of a sub-source, by its index in [`crate::Built::devices`]. When it comes back,
    /// what hangs on it is trusted again as soon as it was read.
    fn device(&self, device: usize, quality: Quality);

    /// Datapoints whose values the device vouches for without having sent them again.
    fn confirm(&self, points: &[PointId]) {
        let _ = points;
    }
}

/// The session's side of the runner.
pub struct AdapterIo {
    output: Arc<dyn Output>,
    writes: mpsc::Receiver<WriteJob>,
    asks: Option<Asks>,
    door: Option<Arc<Door>>,
    log: Arc<LogLines>,
    states: States,
    stop: CancellationToken,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
    trace: Trace,
}

impl AdapterIo {
    /// For the runner and for tests of protocols.
    pub fn new(
        output: Arc<dyn Output>,
        writes: mpsc::Receiver<WriteJob>,
        stop: CancellationToken,
        clock: Arc<dyn Clock>,
        statistics: Arc<Statistics>,
    ) -> Self {
        Self {
            output,
            writes,
            asks: None,
            door: None,
            log: Arc::default(),
            states: States::default(),
            stop,
            trace: Trace::new(Arc::clone(&clock)),
            clock,
            statistics,
        }
    }

    /// The same with a wire that lasts longer than the session.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }

    /// The same with questions that the session may take.
    #[must_use]
    pub fn with_asks(mut self, asks: Asks) -> Self {
        self.asks = Some(asks);
        self
    }

    /// The same with a door for programs that come, and lines that are kept.
    #[must_use]
    pub fn with_door_and_log(mut self, door: Option<Arc<Door>>, log: Arc<LogLines>) -> Self {
        (self.door, self.log) = (door, log);
        self
    }

    /// The same with the states of the node's resources.
    #[must_use]
    pub fn with_states(mut self, states: States) -> Self {
        self.states = states;
        self
    }

    /// The states of the node's resources.
    pub fn states(&self) -> &States {
        &self.states
    }

    /// Where programs come in, for an adapter that says [`crate::Adapter::is_visited`].
    pub fn door(&self) -> Option<&Arc<Door>> {
        self.door.as_ref()
    }

    /// Keeps a line for whoever looks for a cause: `mainstem adapters log`.
    pub fn log(&self, source: LogSource, text: &str) {
        self.log.say(self.clock.now(), source, text);
    }

    /// The questions of this session: once, for an adapter that says [`crate::Adapter::is_asked`].
    /// Apart from the io, so that both can be waited for.
    pub fn take_asks(&mut self) -> Option<Asks> {
        self.asks.take()
    }

    /// The same surroundings with other writes: for an adapter that serves several connections
    /// side by side within one session, and says itself which write goes where.
    #[must_use]
    pub fn beside(&self, writes: mpsc::Receiver<WriteJob>) -> Self {
        Self {
            output: Arc::clone(&self.output),
            writes,
            asks: None,
            door: None,
            log: Arc::clone(&self.log),
            states: self.states.clone(),
            stop: self.stop.clone(),
            clock: Arc::clone(&self.clock),
            statistics: Arc::clone(&self.statistics),
            trace: self.trace.clone(),
        }
    }

    /// Says that the device answers. To be called once per session, before the first reading.
    pub fn online(&self) {
        self.output.online();
    }

    /// Hands over readings, in order, as one batch; the list is empty afterwards. Never blocks.
    /// An unchanged reading is worth emitting too: it confirms the value's age.
    pub fn emit(&self, readings: &mut Vec<Reading>) {
        if readings.is_empty() {
            return;
        }
        self.statistics.delivered(readings.len());
        self.output.emit(readings);
    }

    /// Says how a sub-source (a unit behind a gateway) is. `GOOD` after anything else comes before
    /// the readings: each datapoint of the sub-source has to be read again.
    pub fn device(&self, device: usize, quality: Quality) {
        self.output.device(device, quality);
    }

    /// Says that the device vouches for these datapoints though it did not send them again, as
    /// the keep-alive of a subscription does. It keeps them from becoming stale; it counts only
    /// for datapoints that were read in this session.
    pub fn confirm(&self, points: &[PointId]) {
        self.output.confirm(points);
    }

    /// The next write to carry out; waits for ever if there is none. Cancel safe.
    /// A write whose deadline has passed is answered here and never handed out.
    pub async fn next_write(&mut self) -> WriteJob {
        loop {
            match self.writes.recv().await {
                Some(job) => match job.unless_late(self.clock.monotonic()) {
                    Some(job) => return job,
                    None => continue,
                },
                // The runner is gone, so stop is due: `stopped` ends the session.
                None => std::future::pending().await,
            }
        }
    }

    /// A write that waits already, if there is one in time.
    pub fn try_next_write(&mut self) -> Option<WriteJob> {
        while let Ok(job) = self.writes.try_recv() {
            if let Some(job) = job.unless_late(self.clock.monotonic()) {
                return Some(job);
            }
        }
        None
    }

    /// Resolves when the monotonic clock has reached a moment, such as the next due poll.
    /// Cancel safe, and does not borrow the io.
    pub fn sleep_until(&self, moment: Monotonic) -> impl Future<Output = ()> + Send + 'static {
        crate::sleep::until(Arc::clone(&self.clock), moment)
    }

    /// Resolves when the session has to end. Cancel safe, and does not borrow the io.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// The node's clocks.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The wire, to tell each frame to. Cheap to clone, for what the session opens.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Counters to feed.
    pub fn statistics(&self) -> &Arc<Statistics> {
        &self.statistics
    }
}
