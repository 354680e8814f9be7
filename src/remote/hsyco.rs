//! A remote that is a HSYCO server: read-only, over its public Remote API. The handle of such a
//! link; its task owns the connection and what it knows of the server.

mod answer;
mod convert;
mod drive;
mod image;
mod request;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Glob, GlobSet, Secret, ValueType};
use mainstem_store::{SourceId, Store};
use mainstem_telemetry::Health;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dial::Dial;
use crate::timing::Timing;
use crate::view::{RemoteView, StateHook};

/// Commands that may wait for a link.
const COMMANDS_MAX: usize = 16;

/// How one HSYCO server is read.
pub struct HsycoOptions {
    /// Its name in the configuration.
    pub name: String,
    /// What stands before its names here.
    pub prefix: String,
    /// The routes to it, which speak HTTP/1.1; the next one is tried after each failure.
    pub routes: Vec<Arc<dyn Dial>>,
    /// Its `RemoteServerPassword`.
    pub password: Secret,
    /// The quality timing.
    pub timing: Timing,
    /// How long the server holds a request.
    pub hold: Duration,
    /// Which of its datapoints are read, in its names.
    pub read: GlobSet,
    /// Types by name, the first pattern that fits counts; what fits none is a text.
    pub types: Vec<(Glob, ValueType)>,
    /// Who is told when its state changes.
    pub on_state: Option<StateHook>,
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

/// A running link to a HSYCO server. Dropping it ends it without waiting; [`HsycoLink::stop`]
/// waits.
pub struct HsycoLink {
    commands: mpsc::Sender<Command>,
    view: Arc<Mutex<RemoteView>>,
    store: Arc<Store>,
    source: SourceId,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl HsycoLink {
    /// Makes the link's source known and starts its task.
    pub fn start(options: HsycoOptions, store: Arc<Store>, health: &Health) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let view = Arc::new(Mutex::new(RemoteView::new(&options.name, &options.prefix)));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let kept = Arc::clone(&store);
        let driver = drive::Driver::new(options, store, health, Arc::clone(&view), tasks.clone());
        let source = driver.source();
        tasks.spawn(driver.run(receiver, stop.clone()));
        Self {
            commands,
            view,
            store: kept,
            source,
            stop,
            tasks,
        }
    }

    /// How it stands.
    pub fn view(&self) -> RemoteView {
        let view = self.view.lock().clone();
        view.aged(self.store.clock().monotonic())
    }

    /// Hangs up and asks no more until [`HsycoLink::resume`].
    pub fn pause(&self) {
        self.send(Command::Pause);
    }

    /// Asks again.
    pub fn resume(&self) {
        self.send(Command::Resume);
    }

    /// Asks for everything anew.
    pub fn resync(&self) {
        self.send(Command::Resync);
    }

    /// Takes out what came from the server. To be called after [`HsycoLink::stop`].
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

impl Drop for HsycoLink {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
