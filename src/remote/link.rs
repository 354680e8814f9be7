//! One remote, replicated: the handle of a link. Its task owns the connection, the mirror and the
//! state machine; everybody else sees a view and sends commands.

mod answers;
mod drive;
mod explain;
pub(crate) mod own;
mod relay;

pub(crate) use drive::chain;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::GlobSet;
use mainstem_store::{Delivery, SourceId, Store};
use mainstem_telemetry::Health;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use explain::Reach;

use crate::dial::Dial;
use crate::timing::Timing;
use crate::view::RemoteView;

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
    /// The difference between the clocks that raises an alarm; `None` never does.
    pub drift: Option<Duration>,
    /// Which of its datapoints are read, in its names.
    pub read: GlobSet,
    /// Which of them writes may pass to, in its names.
    pub write: GlobSet,
    /// Which kinds of events are carried up.
    pub events: GlobSet,
    /// Whether the stream is asked for compressed.
    pub compressed: bool,
    /// Not to be dialled until somebody resumes it.
    pub paused: bool,
}

/// What a person can ask of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Pause,
    Resume,
    Resync,
}

/// A running link. Dropping it ends it without waiting; [`Link::stop`] waits.
pub struct Link {
    commands: mpsc::Sender<Command>,
    view: Arc<Mutex<RemoteView>>,
    reach: Arc<Mutex<Reach>>,
    options: Arc<LinkOptions>,
    explaining: Arc<Semaphore>,
    store: Arc<Store>,
    source: SourceId,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What a link's task shows to everybody else.
struct Shown {
    view: Arc<Mutex<RemoteView>>,
    reach: Arc<Mutex<Reach>>,
}

impl Link {
    /// Makes the link's source known and starts its task.
    pub fn start(options: LinkOptions, store: Arc<Store>, health: &Health) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let view = Arc::new(Mutex::new(RemoteView::new(&options.name, &options.prefix)));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let kept = Arc::clone(&store);
        let (options, reach) = (Arc::new(options), Arc::default());
        let shown = Shown {
            view: Arc::clone(&view),
            reach: Arc::clone(&reach),
        };
        let driver = drive::Driver::new(Arc::clone(&options), store, health, shown, tasks.clone());
        let source = driver.source();
        tasks.spawn(driver.run(receiver, stop.clone()));
        Self {
            commands,
            view,
            reach,
            options,
            explaining: Arc::new(Semaphore::new(explain::UNDER_WAY_MAX)),
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
        self.view.lock().clone()
    }

    /// Hangs up and dials no more until [`Link::resume`].
    pub fn pause(&self) {
        self.send(Command::Pause);
    }

    /// Dials again.
    pub fn resume(&self) {
        self.send(Command::Resume);
    }

    /// Begins again with a snapshot.
    pub fn resync(&self) {
        self.send(Command::Resync);
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
