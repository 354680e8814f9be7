//! The data loggers of a node: the store of the section `loggers:` and the recorder on it.

mod opened;
mod storage;

pub(super) use storage::is_storage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mainstem_config::NodeConfig;
use mainstem_datalogger::config::LoggersConfig;
use mainstem_datalogger::recorder::{Book, Recorder, RecorderSetup};
use mainstem_datalogger::replica::Desk;
use mainstem_store::Store;
use mainstem_telemetry::{Health, Metrics, Problem, Severity};
use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use opened::Opened;
use storage::Storage;

const PROBLEM: &str = "part.loggers";
/// Between two tries to open the store; doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Where loggers are started, and what they work with.
#[derive(Clone)]
pub(super) struct Site {
    store: Arc<Store>,
    health: Health,
    metrics: Metrics,
    /// Where the store is.
    folder: PathBuf,
}

/// The loggers that run, with the section that they were started with.
pub(super) struct RunningLoggers {
    pub(super) site: Site,
    pub(super) running: Arc<RwLock<Option<Running>>>,
    trying: Mutex<Option<Trying>>,
}

#[derive(Clone)]
pub(super) struct Running {
    config: LoggersConfig,
    recorder: Arc<Recorder>,
    sink: Opened,
    /// Where the disk of a store on this machine is told.
    storage: Option<Arc<Storage>>,
}

/// Loggers whose store could not be opened. It is tried again until it can.
struct Trying {
    config: LoggersConfig,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// Where rows of other nodes come in.
    pub(super) fn replicas(&self) -> &Arc<Desk> {
        self.recorder.replicas()
    }
}

/// What is recorded: as the section says, and without one nothing; but rows of remotes need a store.
fn wanted(config: &NodeConfig) -> Option<LoggersConfig> {
    let replicates = config
        .remotes
        .iter()
        .any(|remote| !remote.data_loggers.is_empty());
    let section = config.loggers.clone();
    section.or_else(|| replicates.then(LoggersConfig::default))
}

impl RunningLoggers {
    pub(super) fn new(
        store: &Arc<Store>,
        health: &Health,
        metrics: &Metrics,
        folder: PathBuf,
    ) -> Self {
        Self {
            site: Site {
                store: Arc::clone(store),
                health: health.clone(),
                metrics: metrics.clone(),
                folder,
            },
            running: Arc::default(),
            trying: Mutex::default(),
        }
    }

    /// Makes what runs the same as what is configured. Returns why that is not possible now; it is
    /// tried again then.
    pub(super) async fn apply(&self, config: &NodeConfig) -> anyhow::Result<bool> {
        let wanted = wanted(config);
        let is_running = |running: &Running| Some(&running.config) == wanted.as_ref();
        let is_tried = |trying: &Trying| Some(&trying.config) == wanted.as_ref();
        if self.running.read().as_ref().is_some_and(is_running)
            || self.trying.lock().as_ref().is_some_and(is_tried)
        {
            return Ok(false);
        }
        self.stop().await;
        let Some(config) = wanted else {
            self.site.health.clear(PROBLEM);
            return Ok(false);
        };
        match self.site.start(&config).await {
            Ok(running) => {
                *self.running.write() = Some(running);
                self.site.health.clear(PROBLEM);
                Ok(true)
            }
            Err(error) => {
                self.site.failed(&error);
                self.try_again(config);
                Err(error)
            }
        }
    }

    /// A disk that is full or read-only at the start is no reason to record nothing until somebody
    /// restarts the node.
    fn try_again(&self, config: LoggersConfig) {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (site, running) = (self.site.clone(), Arc::clone(&self.running));
        let (stopped, wanted) = (stop.clone(), config.clone());
        tasks.spawn(async move {
            let mut pause = RETRY.0;
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                match site.start(&wanted).await {
                    Ok(begun) => {
                        tracing::info!("the data loggers run now");
                        *running.write() = Some(begun);
                        site.health.clear(PROBLEM);
                        return;
                    }
                    Err(error) => site.failed(&error),
                }
                pause = (pause * 2).min(RETRY.1);
            }
        });
        tasks.close();
        *self.trying.lock() = Some(Trying {
            config,
            stop,
            tasks,
        });
    }

    /// Ends recording: what was recorded is on disk afterwards.
    pub(super) async fn stop(&self) {
        let trying = self.trying.lock().take();
        if let Some(trying) = trying {
            trying.stop.cancel();
            trying.tasks.wait().await;
        }
        let running = self.running.write().take();
        let Some(running) = running else {
            return;
        };
        if let Some(storage) = running.storage {
            storage.stop().await;
        }
        running.recorder.stop().await;
        // It waits for the disk.
        let sink = running.sink;
        let closed = tokio::task::spawn_blocking(move || sink.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the data logger store met a defect while it closed");
        }
    }

    pub(super) fn book(&self) -> Option<Arc<Book>> {
        let running = self.running.read();
        running
            .as_ref()
            .map(|running| Arc::clone(running.recorder.book()))
    }
}

impl Site {
    async fn start(&self, config: &LoggersConfig) -> anyhow::Result<Running> {
        let (kept, folder, health) = (config.clone(), self.folder.clone(), self.health.clone());
        let clock = Arc::clone(self.store.clock());
        let open = move || Opened::open(&kept, &folder, health, clock);
        let sink = tokio::task::spawn_blocking(open)
            .await
            .context("the data logger store")??;
        let recorder = Arc::new(Recorder::start(RecorderSetup {
            config: config.clone(),
            store: Arc::clone(&self.store),
            sink: sink.sink(),
            alive: self.folder.join("alive"),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
        })?);
        let storage = sink.on_this_disk().map(|sqlite| {
            let watched = (Arc::clone(sqlite), config.policy());
            let store = Arc::clone(&self.store);
            Arc::new(Storage::start(store, &self.metrics, watched))
        });
        Ok(Running {
            config: config.clone(),
            recorder,
            sink,
            storage,
        })
    }

    /// Says why the loggers do not run.
    fn failed(&self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        tracing::error!(error = text, "the data loggers cannot be started");
        self.health.raise(Problem {
            id: PROBLEM.to_owned(),
            severity: Severity::High,
            source: "loggers".to_owned(),
            text: format!("The data loggers could not be started: {text}. Nothing is recorded."),
            action: "Mend what is named; it is tried again by itself.".into(),
        });
    }
}
