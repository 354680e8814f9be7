//! One remote, replicated: the handle of a link. Its task owns the connection, the mirror and the
//! state machine; everybody else sees a view and sends commands.

mod answers;
mod canaries;
mod clock;
mod clocksync;
mod doctor;
mod drive;
mod explain;
mod held;
mod loggers;
mod one_way;
pub(crate) mod own;
mod relay;
mod sums;
mod support;

pub use doctor::Below;
pub(crate) use drive::chain;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{GlobSet, Pacing};
use mainstem_store::{Delivery, SourceId, Store};
use mainstem_telemetry::Health;
use mainstem_write::WriteDesk;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use explain::Reach;

use crate::dial::Dial;
use crate::loggers::LoggerOptions;
use crate::timing::Timing;
use crate::tunnel::TunnelQueue;
use crate::view::{RemoteView, StateHook};

/// Commands that may wait for a link.
const COMMANDS_MAX: usize = 16;

/// How one remote is replicated.
pub struct LinkOptions {
    /// Its name in the configuration.
    pub name: String,
    /// What stands before its names here.
    pub prefix: String,
    /// The routes to it; the next one is tried after each failure.
    pub routes: Vec<Arc<dyn Dial>>,
    /// The token that it gave to this node.
    pub token: String,
    /// The quality timing.
    pub timing: Timing,
    /// The interval of a polled link; `None` streams.
    pub poll: Option<Duration>,
    /// Every sample or the latest.
    pub delivery: Delivery,
    /// What its clock is held to.
    pub clock: ClockOptions,
    /// Which of its datapoints are read, in its names.
    pub read: GlobSet,
    /// Which of them writes may pass to, in its names.
    pub write: GlobSet,
    /// Which of its GUI variables are read, in its names.
    pub read_variables: GlobSet,
    /// Which of them writes may pass to, in its names.
    pub write_variables: GlobSet,
    /// What the remote is asked to hold back, where it can.
    pub pacing: Pacing,
    /// Two copies of the remote, each with its own key, may answer.
    pub is_pair: bool,
    /// Whether values that are fetched again count as changes.
    pub startup_events: bool,
    /// Whether its tree is shown in this node's topology.
    pub discovery: bool,
    /// Which kinds of events are carried up.
    pub events: GlobSet,
    /// Whether the stream is asked for compressed.
    pub compressed: bool,
    /// No write is carried, whatever `write` says.
    pub one_way: bool,
    /// Where tunnels of the remote wait, if it dials up.
    pub tunnels: Option<Arc<TunnelQueue>>,
    /// How its data loggers are replicated, if they are.
    pub loggers: Option<LoggerOptions>,
    /// Who is told when its state changes.
    pub on_state: Option<StateHook>,
    /// Not to be dialled until somebody resumes it.
    pub paused: bool,
}

/// What the clock of a remote is held to.
#[derive(Clone, Default)]
pub struct ClockOptions {
    /// The difference that raises an alarm; `None` never does.
    pub drift: Option<Duration>,
    /// Whether values from beyond it are uncertain.
    pub doubts: bool,
    /// The write path that sets the remote's clock at the limit; `None` leaves it alone.
    pub sync: Option<Arc<WriteDesk>>,
}

/// What a person can ask of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Pause,
    Resume,
    /// Of everything, or of the differences where the remote can tell them.
    Resync {
        in_full: bool,
    },
}

/// A running link. Dropping it ends it without waiting; [`Link::stop`] waits.
pub struct Link {
    commands: mpsc::Sender<Command>,
    view: Arc<Mutex<RemoteView>>,
    reach: Arc<Mutex<Reach>>,
    loggers: loggers::Shown,
    options: Arc<LinkOptions>,
    explaining: Arc<Semaphore>,
    holding: Arc<Semaphore>,
    supporting: Arc<Semaphore>,
    store: Arc<Store>,
    source: SourceId,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What a link's task shows to everybody else.
struct Shown {
    view: Arc<Mutex<RemoteView>>,
    reach: Arc<Mutex<Reach>>,
    loggers: loggers::Shown,
}

impl Link {
    /// Makes the link's source known and starts its task.
    pub fn start(options: LinkOptions, store: Arc<Store>, health: &Health) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let view = Arc::new(Mutex::new(RemoteView {
            discovery: options.discovery,
            ..RemoteView::new(&options.name, &options.prefix)
        }));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let kept = Arc::clone(&store);
        let (options, reach) = (Arc::new(options), Arc::default());
        let shown = Shown {
            view: Arc::clone(&view),
            reach: Arc::clone(&reach),
            loggers: Arc::default(),
        };
        let loggers = Arc::clone(&shown.loggers);
        let driver = drive::Driver::new(Arc::clone(&options), store, health, shown, tasks.clone());
        let source = driver.source();
        tasks.spawn(driver.run(receiver, stop.clone()));
        Self {
            commands,
            view,
            reach,
            loggers,
            options,
            explaining: Arc::new(Semaphore::new(explain::UNDER_WAY_MAX)),
            holding: Arc::new(Semaphore::new(held::HELD_MAX)),
            supporting: Arc::new(Semaphore::new(crate::support::SUPPORT_UNDER_WAY_MAX)),
            store: kept,
            source,
            stop,
            tasks,
        }
    }

    /// Its source in the store.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// How it stands.
    pub fn view(&self) -> RemoteView {
        let mut view = self.view.lock().clone();
        view.tunnels = self.options.tunnels.as_ref().map(|queue| queue.views());
        view.loggers = self.loggers.lock().clone();
        view.aged(self.store.clock().monotonic())
    }

    /// Hangs up and dials no more until [`Link::resume`].
    pub fn pause(&self) {
        self.send(Command::Pause);
    }

    /// Dials again.
    pub fn resume(&self) {
        self.send(Command::Resume);
    }

    /// Begins again with a snapshot: of everything, or of what differs.
    pub fn resync(&self, in_full: bool) {
        self.send(Command::Resync { in_full });
    }

    /// Takes out what came from the remote. To be called after [`Link::stop`].
    pub fn remove(&self) {
        self.store.remove_source(self.source);
    }

    fn send(&self, command: Command) {
        // A full queue holds the same wish already; a closed one means that the link is stopping.
        if self.commands.try_send(command).is_err() {
            tracing::debug!(?command, "the link has enough commands waiting");
        }
    }

    /// Ends the link and waits for its tasks.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
