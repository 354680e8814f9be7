//! Keeps the roll-ups of all series, on a thread of its own that may wait for the disk.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_journal::{Checked, read_checked, write_checked};
use mainstem_model::Timestamp;
use mainstem_telemetry::{Health, Problem, Severity};
use tokio::sync::mpsc;

use super::remembered::{self, FILE, SERIES_MAX};
use super::rolling::{RollSetup, Rolling};
use super::{Book, Figures};
use crate::{Policy, RollupBatch, Row, SeriesId, Sink, SinkError};

/// Roll-ups stored at once.
const BATCH_MAX: usize = 4096;
/// How often what is too old is deleted.
const RETAIN_INTERVAL: Duration = Duration::from_secs(60);
/// How often it is noted that the node lives. After a crash so much may be called unknown that was
/// known.
const ALIVE_INTERVAL: Duration = Duration::from_secs(30);

const PROBLEM: &str = "loggers.rollups";

/// What is to be done.
pub(crate) enum Job {
    /// A series is recorded from now on.
    Open(SeriesId, RollSetup),
    /// Series of other nodes are rolled up from now on; those that are already go on.
    OpenAll(Vec<(SeriesId, RollSetup)>),
    /// Rows are on disk.
    Rows(Arc<Vec<Row>>),
    /// Rows of a series will never come.
    Forgone(SeriesId, u64, u64),
    /// Time went on: what is open is stored.
    Tick(Timestamp),
}

pub(crate) struct Rolls {
    sink: Arc<dyn Sink>,
    policy: Policy,
    alive: PathBuf,
    figures: Figures,
    health: Health,
    book: Arc<Book>,
    /// The checksum of the series that were noted last.
    remembered: u32,
    series: HashMap<SeriesId, Open>,
    retained: Option<Instant>,
    noted: Option<Instant>,
}

struct Open {
    setup: RollSetup,
    /// Absent where the sink failed: it begins again where the sink says that roll-ups end.
    rolling: Option<Rolling>,
}

/// When the node was known to live.
pub(crate) fn last_alive(path: &std::path::Path) -> Option<Timestamp> {
    match read_checked(path) {
        Ok(Checked::Intact(bytes)) => String::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

impl Rolls {
    pub(crate) fn new(
        sink: Arc<dyn Sink>,
        policy: Policy,
        alive: PathBuf,
        figures: Figures,
        health: Health,
        book: Arc<Book>,
    ) -> Self {
        Self {
            sink,
            policy,
            alive,
            figures,
            health,
            book,
            remembered: 0,
            series: HashMap::new(),
            retained: None,
            noted: None,
        }
    }

    /// Works until nobody has anything to do for it any more. A defect is told, and what is open
    /// is made anew from the rows.
    pub(crate) fn work(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut now = None;
        while let Some(job) = jobs.blocking_recv() {
            let done = catch_unwind(AssertUnwindSafe(|| self.job(job, &mut now)));
            if done.is_err() {
                self.begin_anew();
                self.problem("it met a defect");
            }
        }
        if let Some(now) = now {
            self.store(now);
            self.note(now);
        }
    }

    fn job(&mut self, job: Job, now: &mut Option<Timestamp>) {
        match job {
            Job::Open(series, setup) => {
                let rolling = None;
                self.series.insert(series, Open { setup, rolling });
            }
            Job::OpenAll(all) => {
                for (series, setup) in all {
                    let rolling = None;
                    let open = self.series.entry(series);
                    open.or_insert(Open { setup, rolling });
                }
            }
            Job::Rows(rows) => self.take(&rows),
            Job::Forgone(series, first, last) => self.forgo(series, first, last),
            Job::Tick(at) => {
                *now = Some(at);
                self.tick(at);
            }
        }
    }

    /// What was taken out and not stored is found again from the rows.
    fn begin_anew(&mut self) {
        self.series
            .values_mut()
            .for_each(|open| open.rolling = None);
    }

    fn problem(&self, why: &str) {
        self.health.raise(Problem {
            id: PROBLEM.into(),
            severity: Severity::High,
            source: "loggers".into(),
            text: format!(
                "Roll-ups of data loggers could not be stored: {why}. Samples are kept; roll-ups \
                 are made from them when it is over."
            ),
            action: "See that the disk of the data folder has room and is writable.".into(),
        });
    }

    fn take(&mut self, rows: &[Row]) {
        for row in rows {
            if let Some(open) = self.series.get_mut(&row.series)
                && let Some(rolling) = &mut open.rolling
            {
                rolling.take(row);
            }
        }
    }

    fn forgo(&mut self, series: SeriesId, first: u64, last: u64) {
        let open = self.series.get_mut(&series);
        if let Some(rolling) = open.and_then(|open| open.rolling.as_mut()) {
            rolling.forgo(first, last);
        }
    }

    fn tick(&mut self, now: Timestamp) {
        self.store(now);
        if self.noted.is_none_or(|at| at.elapsed() >= ALIVE_INTERVAL) {
            self.note(now);
        }
        if self
            .retained
            .is_none_or(|at| at.elapsed() >= RETAIN_INTERVAL)
        {
            self.retained = Some(Instant::now());
            match self.sink.retain(&self.policy) {
                Ok(gone) if gone.files > 0 => {
                    tracing::info!(
                        files = gone.files,
                        rows = gone.rows,
                        "old samples are deleted"
                    );
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "old samples could not be deleted"),
            }
        }
    }

    fn store(&mut self, now: Timestamp) {
        match self.try_store(now) {
            Ok(()) => self.health.clear(PROBLEM),
            Err(error) => {
                tracing::warn!(%error, "roll-ups could not be stored; they are made again");
                self.begin_anew();
                self.problem(&error.to_string());
            }
        }
    }

    fn try_store(&mut self, now: Timestamp) -> Result<(), SinkError> {
        let mut batch = RollupBatch::default();
        for (series, open) in &mut self.series {
            match &mut open.rolling {
                Some(rolling) => rolling.drain(now, &mut batch),
                None => {
                    let setup = open.setup.clone();
                    open.rolling = Some(Rolling::open(&*self.sink, *series, setup, now)?);
                }
            }
            if batch.rollups.len() >= BATCH_MAX {
                self.sink.put_rollups(&std::mem::take(&mut batch))?;
            }
        }
        if !batch.rollups.is_empty() || !batch.covered.is_empty() {
            self.sink.put_rollups(&batch)?;
        }
        for rolling in self
            .series
            .values_mut()
            .filter_map(|open| open.rolling.as_mut())
        {
            if rolling.is_late() {
                rolling.repair(&*self.sink, now, false)?;
                self.figures.late.inc();
                self.figures.left.inc_by(std::mem::take(&mut rolling.left));
            }
        }
        Ok(())
    }

    fn note(&mut self, now: Timestamp) {
        self.noted = Some(Instant::now());
        if let Err(error) = write_checked(&self.alive, now.to_string().as_bytes(), 0o600) {
            tracing::warn!(%error, "it could not be noted that the node lives");
        }
        let views = self.book.list(None, SERIES_MAX);
        let path = self.alive.with_file_name(FILE);
        remembered::write(&path, &views, &mut self.remembered);
    }
}
