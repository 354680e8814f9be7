//! Records the declared loggers: reads the feed, hands rows to the sink, keeps the roll-ups.
//!
//! Where nothing could be recorded, a row without a value says so: from its time until the next row
//! nothing is known, and its quality names the cause. So a gap travels, is rolled up and is shown
//! like everything else, and never looks like a value that did not change.

mod book;
mod door;
mod feed;
mod plan;
mod remembered;
mod rolling;
mod rolls;
mod sampler;
mod spool;
mod track;
mod value;

#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use mainstem_store::Store;
use mainstem_telemetry::{Counter, Gauge, Health, Histogram, Metrics, Problem, Severity};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use book::{Book, LoggerView};
pub use door::{BROUGHT_ROWS_MAX, BringError, Door};
pub(crate) use rolling::RollSetup;
pub(crate) use rolls::Job;
pub(crate) use value::is_counted;

use crate::config::LoggersConfig;
use crate::replica::{Desk, DeskSetup};
use crate::{Sink, SinkError};

/// Batches that wait to be rolled up. Beyond them recording waits too.
const JOBS_MAX: usize = 64;

/// The borders of the buckets of [`Figures::stored`].
const STORE_SECONDS: [f64; 8] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0];

/// What a recorder works with.
pub struct RecorderSetup {
    /// What is recorded.
    pub config: LoggersConfig,
    /// Where it arises.
    pub store: Arc<Store>,
    /// Where it is kept.
    pub sink: Arc<dyn Sink>,
    /// Where it is noted that the node lives, so that a crash leaves a gap of the right length.
    pub alive: PathBuf,
    /// Where problems are told.
    pub health: Health,
    /// Where figures are told.
    pub metrics: Metrics,
}

/// The figures of a recorder.
#[derive(Clone)]
pub(crate) struct Figures {
    pub(crate) rows: Counter,
    pub(crate) gaps: Counter,
    pub(crate) refused: Counter,
    pub(crate) late: Counter,
    pub(crate) left: Counter,
    pub(crate) waiting: Gauge,
    pub(crate) spool: Gauge,
    pub(crate) stored: Histogram,
}

impl Figures {
    fn new(metrics: &Metrics) -> Self {
        Self {
            rows: metrics.counter("logger_rows", "Rows recorded and on disk"),
            gaps: metrics.counter("logger_gaps", "Gaps recorded, one for each series and gap"),
            refused: metrics.counter("logger_refused", "Rows that the store gave back"),
            late: metrics.counter(
                "logger_repairs",
                "Roll-ups made anew for rows that came late",
            ),
            left: metrics.counter(
                "logger_repairs_left",
                "Hours that late rows could not get into, since others were deleted already",
            ),
            waiting: metrics.gauge("logger_waiting", "Rows that wait for the store"),
            spool: metrics.gauge("logger_spool_bytes", "Memory of the rows that wait"),
            stored: metrics.histogram(
                "logger_store_seconds",
                "From handing rows to the store to their being on disk",
                &STORE_SECONDS,
            ),
        }
    }
}

/// What is said when the recorder itself ended: nothing brings it back but a person.
fn defect() -> Problem {
    Problem {
        id: "loggers.recorder".into(),
        severity: Severity::Critical,
        source: "loggers".into(),
        text: "The recorder of the data loggers met a defect and ended. Nothing is recorded."
            .into(),
        action: "Restart the node, and report it with the node's log.".into(),
    }
}

/// The loggers of a node at work.
pub struct Recorder {
    book: Arc<Book>,
    desk: Arc<Desk>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Recorder {
    /// Begins to record. Blocks while series are registered.
    pub fn start(setup: RecorderSetup) -> Result<Self, SinkError> {
        let zone = setup.config.zone.time_zone();
        if zone == TimeZone::unknown() {
            tracing::warn!("the machine has no time zone: loggers count days by UTC");
        }
        let book = Arc::new(Book::new(Arc::clone(&setup.sink), zone));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (jobs, work) = mpsc::channel(JOBS_MAX);
        let figures = Figures::new(&setup.metrics);
        let rolls = rolls::Rolls::new(
            Arc::clone(&setup.sink),
            setup.config.policy(),
            setup.alive.clone(),
            figures.clone(),
            setup.health.clone(),
            Arc::clone(&book),
        );
        let desk = Desk::open(DeskSetup {
            book: Arc::clone(&book),
            jobs: jobs.downgrade(),
            own: setup.store.setup().node,
            clock: Arc::clone(setup.store.clock()),
            path: setup.alive.with_file_name("replicas"),
            minutes_raw: setup.config.policy().raw,
        });
        let health = setup.health.clone();
        let feed = feed::Feed::new(setup, Arc::clone(&book), jobs, figures)?;
        tasks.spawn_blocking(move || rolls.work(work));
        let recording = tasks.spawn(feed.follow(stop.clone()));
        tasks.spawn(async move {
            if recording.await.is_err_and(|error| error.is_panic()) {
                health.raise(defect());
            }
        });
        tasks.close();
        Ok(Self {
            book,
            desk: Arc::new(desk),
            stop,
            tasks,
        })
    }

    /// The series that there are.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Where rows of other nodes come in.
    pub fn replicas(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Ends: what is recorded is on disk afterwards, as far as the sink takes it.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}
