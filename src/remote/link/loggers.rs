//! Replicates the data loggers of a remote, beside its stream of changes and never in its way: one
//! request watches what there is and brings rows as they are recorded, others fetch what is missing,
//! within a share of the time.

mod backlog;
mod frames;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mainstem_model::Monotonic;
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_wire::FEATURE_LOGGERS;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::drive::chain;
use crate::connection::{Connection, Poster, RequestError};
use crate::loggers::{IntakeError, LoggerIntake, LoggerOptions, LoggersState, LoggersView};

/// Between two tries after something went wrong.
const RETRY: Duration = Duration::from_secs(5);
/// How often it is looked how everything stands.
const SHOW: Duration = Duration::from_millis(500);
/// How often it is looked whether there is a store to put rows into.
const LOOK: Duration = Duration::from_secs(1);

/// Why replication has to begin anew.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the answer broke off")]
    Broken(#[source] hyper::Error),
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error("what the remote tells of its data loggers cannot be read: {0}")]
    Form(String),
    #[error("the remote does not go on with its answer")]
    Silent,
    #[error("the data loggers of the remote begin anew")]
    Over,
}

/// What is shown of it.
pub(super) type Shown = Arc<Mutex<Option<LoggersView>>>;

/// Replicates the data loggers of one remote.
pub(super) struct Replication {
    name: String,
    options: LoggerOptions,
    /// Whether everything is asked for once, instead of being followed.
    is_polled: bool,
    health: Health,
    shown: Shown,
    tasks: TaskTracker,
    connection: Option<(Poster, Arc<DropGuard>)>,
    session: Option<(CancellationToken, Arc<()>)>,
    /// When the last round of a polled link began.
    round: Option<Monotonic>,
}

/// What the task of a session works with.
struct Session {
    name: String,
    options: LoggerOptions,
    follow: bool,
    poster: Poster,
    health: Health,
    shown: Shown,
    /// The watch has told something, or is complete.
    news: Notify,
    /// Whether it has told anything: until then what is known is that of the session before.
    told: AtomicBool,
    _alive: Arc<()>,
}

impl Replication {
    pub(super) fn new(
        name: &str,
        options: LoggerOptions,
        is_polled: bool,
        health: &Health,
        shown: Shown,
        tasks: TaskTracker,
    ) -> Self {
        *shown.lock() = Some(LoggersView::waiting());
        Self {
            name: name.to_owned(),
            options,
            is_polled,
            health: health.clone(),
            shown,
            tasks,
            connection: None,
            session: None,
            round: None,
        }
    }

    pub(super) fn connected(&mut self, connection: &Connection) {
        self.connection = Some((connection.poster(), connection.lease()));
    }

    /// The connection is gone. A round of a polled link ends by itself.
    pub(super) fn lost(&mut self) {
        self.connection = None;
        if !self.is_polled {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((stop, _)) = self.session.take() {
            stop.cancel();
            self.tell(LoggersState::Waiting, None);
        }
    }

    /// The remote has said what it can: begins, if it is time to.
    pub(super) fn look(&mut self, features: Option<&[String]>, now: Monotonic) {
        let (Some(features), Some(_)) = (features, &self.connection) else {
            return;
        };
        if !features.iter().any(|feature| feature == FEATURE_LOGGERS) {
            let cause =
                "the version of the remote is older and hands on no data loggers; update it";
            self.tell(LoggersState::NotSupported, Some(cause.to_owned()));
            self.connection = None;
            return;
        }
        let is_busy = |alive: &Arc<()>| Arc::strong_count(alive) > 1;
        let busy = self
            .session
            .as_ref()
            .is_some_and(|(_, alive)| is_busy(alive));
        let early = |begun: Monotonic| self.is_polled && now.since(begun) < self.options.interval;
        if busy || self.round.is_some_and(early) {
            return;
        }
        if let Some((poster, lease)) = self.connection.take() {
            self.round = Some(now);
            self.begin(poster, lease);
        }
    }

    fn begin(&mut self, poster: Poster, lease: Arc<DropGuard>) {
        let (stop, alive) = (CancellationToken::new(), Arc::new(()));
        let session = Session {
            name: self.name.clone(),
            options: self.options.clone(),
            follow: !self.is_polled,
            poster,
            health: self.health.clone(),
            shown: Arc::clone(&self.shown),
            news: Notify::new(),
            told: AtomicBool::default(),
            _alive: Arc::clone(&alive),
        };
        let stopped = stop.clone();
        self.tasks.spawn(async move {
            // A round of a polled link keeps its connection until it is over.
            let _lease = (!session.follow).then_some(lease);
            tokio::select! {
                () = session.run() => {}
                () = stopped.cancelled() => {}
            }
        });
        self.session = Some((stop, alive));
    }

    fn tell(&self, state: LoggersState, cause: Option<String>) {
        let mut shown = self.shown.lock();
        let view = shown.get_or_insert_with(LoggersView::waiting);
        (view.state, view.cause) = (state, cause);
    }

    /// The link ends: nothing is said about it any more.
    pub(super) fn all_clear(&mut self) {
        self.end();
        self.health.clear(&problem_id(&self.name));
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        self.end();
    }
}

fn problem_id(name: &str) -> String {
    format!("link.{name}.loggers")
}

impl Session {
    /// Goes on until the connection is given up, or a round is over.
    async fn run(&self) {
        loop {
            let Some(intake) = self.options.home.intake() else {
                let cause = "this node has no data logger store";
                self.tell(LoggersState::HeldUp, Some(cause.to_owned()));
                tokio::time::sleep(LOOK).await;
                continue;
            };
            match self.replicate(&intake).await {
                Ok(()) => {
                    self.look(&intake).await;
                    return;
                }
                Err(Ended::Over | Ended::Intake(IntakeError::Closed)) => {
                    tokio::time::sleep(LOOK).await
                }
                Err(error) => {
                    let cause = chain(&error);
                    tracing::warn!(remote = self.name, cause, "no data loggers are replicated");
                    self.tell(LoggersState::Failed, Some(cause));
                    if !self.follow {
                        return;
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn replicate(&self, intake: &Arc<dyn LoggerIntake>) -> Result<(), Ended> {
        self.told.store(false, Ordering::Release);
        let complete = CancellationToken::new();
        let watch = async {
            self.watch(intake).await?;
            complete.cancel();
            self.news.notify_one();
            if self.follow {
                // It ends when the loggers there begin anew: then everything is asked for anew.
                return Err(Ended::Over);
            }
            Ok(())
        };
        let backlog = self.backlog(intake, &complete);
        let looks = async {
            let mut looks = interval(SHOW);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                self.look(intake).await;
            }
        };
        tokio::select! {
            ended = async { tokio::try_join!(watch, backlog) } => ended.map(drop),
            never = looks => never,
        }
    }

    /// Shows how everything stands.
    async fn look(&self, intake: &Arc<dyn LoggerIntake>) {
        if !self.told.load(Ordering::Acquire) {
            return;
        }
        let standing = Arc::clone(intake).standing().await;
        let (state, cause) = match &standing.held_up {
            Some(why) => (LoggersState::HeldUp, Some(why.clone())),
            None if standing.series.iter().any(|series| series.lag > 0) => {
                (LoggersState::CatchingUp, standing.left_out.clone())
            }
            None => (LoggersState::Live, standing.left_out.clone()),
        };
        self.judge(standing.held_up.as_deref());
        let mut shown = self.shown.lock();
        let view = shown.get_or_insert_with(LoggersView::waiting);
        (view.state, view.cause) = (state, cause);
        view.standing = Arc::new(standing);
    }

    fn judge(&self, held_up: Option<&str>) {
        let id = problem_id(&self.name);
        let Some(why) = held_up else {
            self.health.clear(&id);
            return;
        };
        self.health.raise(Problem {
            id,
            severity: Severity::High,
            source: self.name.clone(),
            text: format!("Data loggers of {} are not replicated: {why}.", self.name),
            action: "See that the disk of the data folder has room and is writable; replication \
                     goes on by itself, and nothing is lost as long as the remote keeps its rows."
                .into(),
        });
    }

    fn tell(&self, state: LoggersState, cause: Option<String>) {
        let mut shown = self.shown.lock();
        let view = shown.get_or_insert_with(LoggersView::waiting);
        (view.state, view.cause) = (state, cause);
    }

    fn count(&self, bytes: usize) {
        if let Some(view) = self.shown.lock().as_mut() {
            view.bytes += bytes as u64;
        }
    }
}
