//! The data loggers of a node: the store of the section `loggers:` and the recorder on it.

mod opened;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use mainstem_config::NodeConfig;
use mainstem_datalogger::config::LoggersConfig;
use mainstem_datalogger::recorder::{Book, Recorder, RecorderSetup};
use mainstem_datalogger::replica::Desk;
use mainstem_datalogger::{Sink, SinkError};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Metrics, Problem, Severity};
use opened::Opened;
use parking_lot::RwLock;

const PART: &str = "loggers";

/// The loggers that run, with the section that they were started with.
pub(super) struct RunningLoggers {
    pub(super) store: Arc<Store>,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
    /// Where the store is.
    pub(super) folder: PathBuf,
    pub(super) running: Arc<RwLock<Option<Running>>>,
}

#[derive(Clone)]
pub(super) struct Running {
    config: LoggersConfig,
    recorder: Arc<Recorder>,
    sink: Opened,
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
    /// Makes what runs the same as what is configured. Returns why that is not possible.
    pub(super) async fn apply(&self, config: &NodeConfig) -> anyhow::Result<bool> {
        let wanted = wanted(config);
        let same = |running: &Running| Some(&running.config) == wanted.as_ref();
        if self.running.read().as_ref().is_some_and(same) {
            return Ok(false);
        }
        self.stop().await;
        let Some(config) = wanted else {
            return Ok(false);
        };
        let setup = self.setup(config.clone());
        let open = move || -> anyhow::Result<_> {
            let (open, recorder) = setup;
            let sink = open()?;
            let setup = recorder(sink.sink());
            Ok((sink, setup))
        };
        let (sink, setup) = tokio::task::spawn_blocking(open)
            .await
            .context("the data logger store")??;
        let recorder = Arc::new(Recorder::start(setup)?);
        *self.running.write() = Some(Running {
            config,
            recorder,
            sink,
        });
        self.health.clear("part.loggers");
        Ok(true)
    }

    #[expect(
        clippy::type_complexity,
        reason = "two closures, named by what they give"
    )]
    fn setup(
        &self,
        config: LoggersConfig,
    ) -> (
        impl FnOnce() -> Result<Opened, SinkError> + Send + 'static,
        impl FnOnce(Arc<dyn Sink>) -> RecorderSetup + Send + 'static,
    ) {
        let (kept, folder) = (config.store.clone(), self.folder.clone());
        let (health, metrics) = (self.health.clone(), self.metrics.clone());
        let (store, alive) = (Arc::clone(&self.store), self.folder.join("alive"));
        let recorder = {
            let health = health.clone();
            move |sink: Arc<dyn Sink>| RecorderSetup {
                config,
                store,
                sink,
                alive,
                health,
                metrics,
            }
        };
        let clock = Arc::clone(self.store.clock());
        let open = move || Opened::open(&kept, &folder, health, clock);
        (open, recorder)
    }

    /// Says why the loggers do not run.
    pub(super) fn failed(&self, error: &anyhow::Error) -> String {
        let text = format!("{error:#}");
        tracing::error!(error = text, "the data loggers cannot be started");
        self.health.raise(Problem {
            id: format!("part.{PART}"),
            severity: Severity::High,
            source: PART.to_owned(),
            text: format!("The data loggers could not be started: {text}. Nothing is recorded."),
            action: "Mend what is named and send SIGHUP.".into(),
        });
        text
    }

    /// Ends recording: what was recorded is on disk afterwards.
    pub(super) async fn stop(&self) {
        let running = self.running.write().take();
        let Some(Running { recorder, sink, .. }) = running else {
            return;
        };
        recorder.stop().await;
        // It waits for the disk.
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
