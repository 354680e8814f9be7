//! The life of an adapter: one task that opens sessions and says what became of them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use mainstem_model::{Monotonic, Quality, Reason};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::desk::Desk;
use super::ending::{self, End};
use super::wanted::{Mode, Wanted, changed};
use super::{RunnerOptions, STOP_TIMEOUT, WRITES_WAITING_MAX};
use crate::intake::SessionOutput;
use crate::{
    ASKS_WAITING_MAX, Adapter, AdapterIo, AdapterSpec, AdapterState, Backoff, Cause, SessionEnd,
    sleep,
};

pub(super) struct Life {
    desk: Arc<Desk>,
    spec: AdapterSpec,
    // Absent after a panic or a cut-off session: what it knew is not to be trusted.
    adapter: Option<Box<dyn Adapter>>,
    options: RunnerOptions,
    backoff: Backoff,
    wanted: watch::Receiver<Wanted>,
    tasks: TaskTracker,
    sessions: u64,
    // When the last session ended, and whether the datapoints are bad because of it.
    without_session_since: Monotonic,
    is_down: bool,
}

type SessionTask = JoinHandle<(Option<Box<dyn Adapter>>, End)>;

impl Life {
    pub(super) fn new(
        desk: Arc<Desk>,
        spec: AdapterSpec,
        adapter: Box<dyn Adapter>,
        options: RunnerOptions,
        wanted: watch::Receiver<Wanted>,
        tasks: TaskTracker,
    ) -> Self {
        let backoff = Backoff::new(options.backoff);
        let without_session_since = desk.clock.monotonic();
        Self {
            desk,
            spec,
            adapter: Some(adapter),
            options,
            backoff,
            wanted,
            tasks,
            sessions: 0,
            without_session_since,
            is_down: false,
        }
    }

    pub(super) async fn run(mut self) {
        self.desk.intake.close(Quality::of(Reason::Reconnecting));
        let mut cut_off = None;
        loop {
            let mode = self.wanted.borrow_and_update().mode;
            let cause = cut_off.take();
            match mode {
                Mode::Stop => {
                    let quality = Quality::of(Reason::Stopped);
                    self.desk
                        .offline(quality, AdapterState::Stopped, cause, None);
                    return;
                }
                Mode::Pause => {
                    let quality = Quality::of(Reason::OutOfService);
                    self.desk
                        .offline(quality, AdapterState::Paused, cause, None);
                    changed(&mut self.wanted).await;
                    self.begin_anew();
                }
                Mode::Run => match self.attempt().await {
                    Some(End::CutOff) => cut_off = Some(ending::cut_off()),
                    Some(end) => self.rest(end).await,
                    None => {}
                },
            }
        }
    }

    /// One session from its opening to its end; `None` if it ended because it was told to.
    async fn attempt(&mut self) -> Option<End> {
        let Some(adapter) = self.take_adapter() else {
            let message = "the configuration was accepted before and is not any more".into();
            return Some(End::Session(Err(SessionEnd::Misconfigured { message })));
        };
        let stop = CancellationToken::new();
        let mut task = self.spawn_session(adapter, stop.clone());
        let end = loop {
            let next = self.oversee();
            let clock = Arc::clone(&self.desk.clock);
            tokio::select! {
                joined = &mut task => break self.settle(joined),
                () = changed(&mut self.wanted) => {
                    if self.wanted.borrow().mode != Mode::Run {
                        return self.end_session(&stop, task).await;
                    }
                }
                () = self.desk.intake.watch_again.notified() => {}
                () = sleep::until_some(clock, next) => {}
            }
        };
        Some(end)
    }

    // A fresh one if the last one was lost with its session.
    fn take_adapter(&mut self) -> Option<Box<dyn Adapter>> {
        self.adapter.take().or_else(|| {
            let built = (self.desk.kind.build)(&self.spec).ok()?;
            Some(built.adapter)
        })
    }

    fn spawn_session(
        &mut self,
        mut adapter: Box<dyn Adapter>,
        stop: CancellationToken,
    ) -> SessionTask {
        self.sessions += 1;
        let (sender, writes) = mpsc::channel(WRITES_WAITING_MAX);
        self.desk.intake.open(self.sessions);
        let (asks, questions) = mpsc::channel(ASKS_WAITING_MAX);
        let asks = adapter.is_asked().then_some(asks);
        self.desk.connecting(sender, asks);
        self.desk.trace.note(|| "a session is opened".into());
        let desk = Arc::clone(&self.desk);
        let output = SessionOutput {
            intake: Arc::clone(&self.desk.intake),
            session: self.sessions,
            on_online: move || desk.online(),
        };
        let mut io = AdapterIo::new(
            Arc::new(output),
            writes,
            stop,
            Arc::clone(&self.desk.clock),
            Arc::clone(&self.desk.statistics),
        )
        .with_asks(questions)
        .with_trace(self.desk.trace.clone());
        self.tasks.spawn(async move {
            let session = AssertUnwindSafe(adapter.session(&mut io))
                .catch_unwind()
                .await;
            match session {
                Ok(end) => (Some(adapter), End::Session(end)),
                Err(panic) => (None, End::panic(&*panic)),
            }
        })
    }

    /// Tells a running session to end, and cuts it off if it does not.
    async fn end_session(
        &mut self,
        stop: &CancellationToken,
        mut task: SessionTask,
    ) -> Option<End> {
        stop.cancel();
        if let Ok(joined) = tokio::time::timeout(STOP_TIMEOUT, &mut task).await {
            return match self.settle(joined) {
                // On its way out nothing but a panic is worth a word.
                End::Panic(text) => {
                    tracing::error!(adapter = %self.desk.name, panic = %text, "session panicked");
                    self.desk.statistics.failed(Cause::PANIC);
                    None
                }
                _ => None,
            };
        }
        task.abort();
        self.desk.statistics.failed(Cause::STOP_TIMEOUT);
        tracing::error!(
            adapter = %self.desk.name,
            waited_s = STOP_TIMEOUT.as_secs(),
            "session did not end when told to, and was cut off"
        );
        Some(End::CutOff)
    }

    fn settle(&mut self, joined: Result<(Option<Box<dyn Adapter>>, End), JoinError>) -> End {
        match joined {
            Ok((adapter, end)) => {
                self.adapter = adapter;
                end
            }
            // Dropping an adapter after its panic may panic again.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => End::panic(&*panic),
                Err(_) => End::CutOff,
            },
        }
    }

    /// Says what became of the session, and waits until it makes sense to try again.
    async fn rest(&mut self, end: End) {
        let now = self.desk.clock.monotonic();
        if let Some(since) = self.desk.online_since() {
            self.backoff.was_online(now.since(since));
            self.lost_now();
        }
        let kind = self.desk.kind.name;
        let (state, cause) = end.judge(kind);
        let wait = match (state, end.retry_after()) {
            (AdapterState::Misconfigured, _) => None,
            (AdapterState::Refused, wait) => Some(wait.unwrap_or(self.options.backoff.max)),
            _ => Some(self.backoff.next_wait((self.options.chance)())),
        };
        self.desk.statistics.failed(cause.code);
        let next_try = wait.map(|wait| now.after(wait));
        let quality = match state {
            AdapterState::Misconfigured => Quality::of(Reason::NotConfigured),
            _ if self.is_down => Quality::of(Reason::AdapterDown),
            _ => Quality::of(Reason::Reconnecting),
        };
        self.log(&cause, state);
        let trace = &self.desk.trace;
        trace.note(|| format!("the session ended: {} ({})", cause.message, cause.code));
        self.desk.offline(quality, state, Some(cause), next_try);
        self.wait_until(state, next_try).await;
        if state == AdapterState::Misconfigured {
            self.begin_anew();
        }
    }

    async fn wait_until(&mut self, state: AdapterState, next_try: Option<Monotonic>) {
        loop {
            // A wrong configuration is a worse word than a missing session.
            let next = match state {
                AdapterState::Misconfigured => None,
                _ => self.oversee(),
            };
            let clock = Arc::clone(&self.desk.clock);
            tokio::select! {
                () = changed(&mut self.wanted) => return,
                () = sleep::until_some(Arc::clone(&clock), next_try) => return,
                () = sleep::until_some(clock, next) => {}
            }
        }
    }

    /// What depends on time: stale and frozen datapoints in a session, bad ones without. Returns
    /// when to look again.
    fn oversee(&mut self) -> Option<Monotonic> {
        let now = self.desk.clock.monotonic();
        if self.desk.online_since().is_some() {
            self.is_down = false;
            return self.desk.intake.supervise(now);
        }
        let due = self.without_session_since.after(self.options.bad_after);
        if self.is_down {
            return None;
        }
        if now < due {
            return Some(due);
        }
        self.is_down = true;
        self.desk.intake.give_up();
        None
    }

    /// After a pause, or when a person says that the configuration deserves another try.
    fn begin_anew(&mut self) {
        self.lost_now();
        self.backoff.reset();
        if self.wanted.borrow().mode == Mode::Run {
            self.desk.intake.close(Quality::of(Reason::Reconnecting));
        }
    }

    fn lost_now(&mut self) {
        self.without_session_since = self.desk.clock.monotonic();
        self.is_down = false;
    }

    // The first loss is worth a warning, each further try in vain only to who looks for it.
    fn log(&self, cause: &Cause, state: AdapterState) {
        let (adapter, code, state) = (&self.desk.name, cause.code, state.as_str());
        let before = self.desk.standing().cause;
        if cause.code == Cause::PANIC {
            tracing::error!(%adapter, code, state, cause = %cause.message, "session panicked");
        } else if before.is_none_or(|before| before.code != cause.code) {
            tracing::warn!(%adapter, code, state, cause = %cause.message, "no session");
        } else {
            tracing::debug!(%adapter, code, state, cause = %cause.message, "no session yet");
        }
    }
}
