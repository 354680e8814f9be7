//! The store as its callers see it.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mainstem_model::Clock;
use mainstem_telemetry::Health;
use parking_lot::{Mutex, RwLock};

use super::catalogue::Catalogue;
use super::config::SqliteConfig;
use super::edits::Edits;
use super::file::{self, Told, open_error};
use super::incoming::Incoming;
use super::layout;
use super::ledger::Ledger;
use super::parts::{self, Found};
use super::place;
use super::queue::{Order as Command, Queue};
use super::reading::Reading;
use super::rolled::{ReadingRollups, Rolled};
use super::settle::{self, order};
use super::shared::{Counters, Settling, Shared};
use super::watch::{self, Busy};
use super::writer::Writer;
use crate::{
    Durable, Extent, Fault, Gap, GapId, GapQuery, Healing, Integrity, LogId, Order, Outlook,
    Policy, Retained, RollupBatch, RollupQuery, Rollups, Row, RowQuery, SampleQuery, Samples,
    SeriesId, SeriesKey, Sink, SinkError, Stats,
};

/// The file of the catalogue.
pub(super) const CATALOGUE: &str = "catalogue.db";
/// The store on this machine's disk. Dropping it commits what waits and closes its files.
pub struct SqliteSink {
    pub(super) shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for SqliteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSink")
            .field("folder", &self.shared.config.folder)
            .finish_non_exhaustive()
    }
}

impl SqliteSink {
    /// Opens or makes a store. Damaged files are set aside and stand on the board of problems.
    pub fn open(config: SqliteConfig, health: Health, clock: Arc<dyn Clock>) -> Told<Self> {
        let folder = config.folder.clone();
        let fails = |error: std::io::Error| open_error(&folder, error);
        layout::refuse_newer(&folder)?;
        fs::create_dir_all(&folder).map_err(fails)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(fails)?;
        let mark = place::mark_of(&folder).map_err(fails)?;
        let mut faults = Vec::new();
        let catalogue = open_catalogue(&folder.join(CATALOGUE), &mark, &mut faults)?;
        let found = parts::find(&config, catalogue.is_empty(), catalogue.newest_part()?)?;
        let rolled = Rolled::open(&config, &mut faults)?;
        let ledger = Ledger::open(&config, &mut faults)?;
        faults.extend(found.faults.iter().cloned());
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue_rows, config.commit_interval),
            config,
            clock,
            health,
            mark,
            catalogue,
            parts: RwLock::default(),
            numbers: RwLock::default(),
            edits: Edits::default(),
            rolled,
            ledger,
            restoring: Mutex::default(),
            trouble: Mutex::default(),
            settling: Settling::default(),
            busy: Busy::default(),
            counters: Counters::default(),
            faults: Mutex::default(),
            started: Instant::now(),
        });
        faults.into_iter().for_each(|fault| shared.report(fault));
        Self::start(shared, found)
    }

    fn start(shared: Arc<Shared>, found: Found) -> Told<Self> {
        shared.catalogue.adopt(found.series)?;
        *shared.numbers.write() = found.numbers;
        shared.edits.publish(found.hidden);
        *shared.parts.write() = found.parts;
        if found.lost_newest {
            // Numbers that this log gave out may be gone with it: they must not be given again.
            shared.catalogue.renew_log(&shared.mark)?;
        }
        let newest = shared
            .active()
            .filter(|part| !part.known().sealed && !found.lost_newest);
        let (part, connection) = match newest {
            Some(part) => {
                let opened = file::open_writer(&part.path, shared.config.synchronous);
                (part.clone(), opened.map_err(file::write_error(&part.path))?)
            }
            None => {
                let numbers: HashMap<_, _> = shared.numbers.read().clone();
                let made = parts::create(
                    &shared.config.folder,
                    found.highest + 1,
                    shared.clock.now().micros(),
                    shared.config.synchronous,
                    &shared.catalogue.list(),
                    (&numbers, &shared.edits.all()),
                )?;
                shared.catalogue.set_newest_part(made.0.number)?;
                shared.parts.write().push(Arc::clone(&made.0));
                made
            }
        };
        if shared.staged() > 0 {
            shared.settling.staged(false);
        }
        let writer = Writer::new(Arc::clone(&shared), part, connection)?;
        let sink = Self {
            shared: Arc::clone(&shared),
            threads: Mutex::default(),
        };
        sink.thread("datalogger-write", move || writer.run())?;
        let (settled, checked) = (Arc::clone(&shared), Arc::clone(&shared));
        if shared.config.settle {
            sink.thread("datalogger-settle", move || settle::run(&settled))?;
        }
        sink.thread("datalogger-watch", move || watch::run(&shared))?;
        if checked.config.check_at_start {
            // What it finds stands on the board of problems.
            let check = move || drop(checked.guarded("check", || checked.check()));
            sink.thread("datalogger-check", check)?;
        }
        Ok(sink)
    }

    fn thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Told<()> {
        let started = thread::Builder::new().name(name.to_owned()).spawn(work);
        let handle = started.map_err(|error| open_error(&self.shared.config.folder, error))?;
        self.threads.lock().push(handle);
        Ok(())
    }

    /// Waits until what is staged now lies in compressed blocks; `false` if the patience ended
    /// before.
    pub fn settle(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let settling = &self.shared.settling;
        let mut state = settling.state.lock();
        state.wanted += 1;
        let wish = state.wanted;
        settling.news.notify_all();
        while state.granted < wish {
            if settling.news.wait_until(&mut state, until).timed_out() {
                return state.granted >= wish;
            }
        }
        true
    }

    /// Closes the newest part and begins another one, before it is full or old.
    pub fn rotate(&self) -> Result<(), SinkError> {
        order(&self.shared, Command::Rotate)
    }

    /// What the store takes of its disk, and how long that goes on. May wait for the disk.
    pub fn outlook(&self, policy: &Policy) -> Outlook {
        self.shared.outlook(policy)
    }

    /// Commits what waits, stops the threads and closes the files.
    pub fn close(&self) {
        // The writer last: the settler waits for its answers.
        self.shared.settling.stopping.store(true, Ordering::Release);
        self.shared.settling.news.notify_all();
        let mut threads = self.threads.lock();
        while threads.len() > 1
            && let Some(thread) = threads.pop()
        {
            drop(thread.join());
        }
        self.shared.queue.close();
        for thread in threads.drain(..) {
            drop(thread.join());
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

fn open_catalogue(path: &Path, mark: &str, faults: &mut Vec<Fault>) -> Told<Catalogue> {
    match Catalogue::open(path, mark) {
        Err(SinkError::Damaged { reason, .. }) => {
            let file = file::set_aside(path).map_err(|error| open_error(path, error))?;
            faults.push(Fault { file, reason });
            Catalogue::open(path, mark)
        }
        told => told,
    }
}

impl Sink for SqliteSink {
    fn log_id(&self) -> LogId {
        self.shared.catalogue.log()
    }

    fn register(&self, keys: &[SeriesKey]) -> Result<Vec<SeriesId>, SinkError> {
        self.shared.catalogue.register(keys)
    }

    fn list(&self) -> Vec<(SeriesId, SeriesKey)> {
        self.shared.catalogue.list()
    }

    fn append(&self, rows: Vec<Row>) -> Durable {
        if rows.is_empty() {
            return Durable::ready(Ok(()));
        }
        match Incoming::rows(&self.shared, rows) {
            Ok(incoming) => self.push(incoming),
            Err((error, rows)) => self.refused(error, rows),
        }
    }

    fn restore(&self, rows: Vec<Row>) -> Result<u64, SinkError> {
        self.restore_rows(rows)
    }

    fn forgo(&self, series: SeriesId, first: u64, last: u64) -> Durable {
        if self.shared.catalogue.key(series).is_none() {
            return self.refused(SinkError::UnknownSeries(series.0), Vec::new());
        }
        if first == 0 || last < first || last == u64::MAX {
            let (series, reason) = (series.0, "row numbers begin at 1 and end after they begin");
            return self.refused(SinkError::Invalid { series, reason }, Vec::new());
        }
        self.push(Incoming::forgone(series, first, last))
    }

    fn put_rollups(&self, batch: &RollupBatch) -> Result<(), SinkError> {
        self.shared.rolled.put(batch)
    }

    fn covered(&self, series: SeriesId) -> Result<u64, SinkError> {
        self.shared.rolled.covered(series)
    }

    fn samples(&self, query: &SampleQuery) -> Result<Samples, SinkError> {
        Ok(Box::new(Reading::samples(&self.shared, query)))
    }

    fn rows(&self, query: &RowQuery) -> Result<Samples, SinkError> {
        Ok(Box::new(Reading::rows(&self.shared, query)))
    }

    fn edits(&self, series: SeriesId) -> Result<Vec<Row>, SinkError> {
        self.shared.edits_of(series)
    }

    fn record_gap(&self, gap: &Gap) -> Result<GapId, SinkError> {
        self.shared.ledger.record(gap)
    }

    fn gaps(&self, query: &GapQuery) -> Result<Vec<(GapId, Gap)>, SinkError> {
        self.shared.ledger.list(query)
    }

    fn heal_gap(&self, id: GapId, state: Healing) -> Result<(), SinkError> {
        self.shared.ledger.heal(id, state)
    }

    fn rollups(&self, query: &RollupQuery) -> Result<Rollups, SinkError> {
        Ok(Box::new(ReadingRollups::new(&self.shared, query)))
    }

    fn last(&self, series: SeriesId) -> Result<Option<Row>, SinkError> {
        let mut query = SampleQuery::new(series, i64::MIN, i64::MAX);
        query.order = Order::Descending;
        query.limit = 1;
        Reading::samples(&self.shared, &query).next().transpose()
    }

    fn watermark(&self, series: SeriesId) -> Result<u64, SinkError> {
        let numbers = self.shared.numbers.read();
        Ok(numbers
            .get(&series)
            .map_or(0, crate::numbers::Numbers::watermark))
    }

    fn held(&self, series: SeriesId) -> Result<Vec<(u64, u64)>, SinkError> {
        let numbers = self.shared.numbers.read();
        let held = numbers
            .get(&series)
            .map(|numbers| numbers.ranges().to_vec());
        Ok(held.unwrap_or_default())
    }

    fn extent(&self, series: SeriesId) -> Result<Extent, SinkError> {
        self.shared.extent(series)
    }

    fn retain(&self, policy: &Policy) -> Result<Retained, SinkError> {
        self.shared.retain(policy)
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }

    fn integrity(&self) -> Result<Integrity, SinkError> {
        self.shared.check()
    }
}

impl Drop for SqliteSink {
    fn drop(&mut self) {
        self.close();
    }
}
