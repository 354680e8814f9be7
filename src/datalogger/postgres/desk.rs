//! The store as its callers see it.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use mainstem_model::Clock;
use mainstem_telemetry::Health;
use parking_lot::{Condvar, Mutex, RwLock};

use super::answer;
use super::config::PostgresConfig;
use super::lasts::Lasts;
use super::layout::Unfit;
use super::link::Link;
use super::mover::Mover;
use super::paging::Reading;
use super::shared::{Held, Shared, State};
use crate::sqlite::{SqliteConfig, SqliteSink};
use crate::{
    About, Durable, Extent, Gap, GapId, GapQuery, Healing, Integrity, LogId, Order, Policy,
    Refused, Retained, RollupBatch, RollupQuery, Rollups, Row, RowQuery, SampleQuery, Samples,
    SeriesId, SeriesKey, Sink, SinkError, Stats,
};

/// Bytes of one file of the spool: what is read again after a start, and what is deleted at once.
const PART_BYTES: u64 = 32 << 20;

/// The store on a PostgreSQL server. Dropping it leaves what waits in its spool.
pub struct PostgresSink {
    shared: Arc<Shared>,
    mover: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for PostgresSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresSink")
            .field(&self.shared.config)
            .finish()
    }
}

impl PostgresSink {
    /// Opens or makes a store; its spool lies in `folder`. That the server is away is no error: it
    /// stands on the board of problems, and rows wait in the spool. That a newer program made its
    /// tables is one.
    pub fn open(
        config: PostgresConfig,
        folder: &Path,
        health: Health,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SinkError> {
        let failed = |error: std::io::Error| SinkError::Open {
            path: folder.to_owned(),
            reason: error.to_string(),
        };
        Shared::make_folder(folder).map_err(failed)?;
        let mut spool = SqliteConfig::new(folder);
        spool.name = "spool".to_owned();
        spool.settle = false;
        spool.part_bytes = PART_BYTES.min(config.spool / 4);
        spool.check_at_start = false;
        let spool = SqliteSink::open(spool, health.clone(), Arc::clone(&clock))?;
        let shared = Arc::new(Shared {
            link: Link::new().map_err(failed)?,
            lasts: Lasts::open(folder),
            config,
            clock,
            health,
            spool,
            ids: RwLock::new(HashMap::new()),
            state: Mutex::new(State::default()),
            news: Condvar::new(),
            idle: Mutex::default(),
            spooled: 0.into(),
            moved_rows: 0.into(),
            moves: 0.into(),
            refused: 0.into(),
            about: Mutex::default(),
            held: Mutex::new(Held::default()),
            started: Instant::now(),
        });
        let mut mover = Mover::new(Arc::clone(&shared));
        match mover.connect() {
            Ok(()) => {}
            Err(Unfit::Now(reason)) => shared.tell(Some(reason)),
            Err(Unfit::Newer(reason)) => {
                let path = shared.config.label().into();
                return Err(SinkError::Open { path, reason });
            }
        }
        shared.weigh();
        let started = thread::Builder::new().name("datalogger-move".to_owned());
        let thread = started.spawn(move || mover.run()).map_err(failed)?;
        Ok(Self {
            shared,
            mover: Mutex::new(Some(thread)),
        })
    }

    /// Stops the mover and closes the spool. What was not moved yet lies in it.
    pub fn close(&self) {
        self.shared.state.lock().stopping = true;
        self.shared.news.notify_all();
        if let Some(thread) = self.mover.lock().take() {
            drop(thread.join());
        }
        self.shared.idle.lock().clear();
        self.shared.spool.close();
    }

    /// Waits until all that is acknowledged is at the server.
    pub fn settle(&self) -> Result<(), SinkError> {
        self.shared.settle_up()
    }

    fn refused(&self, error: SinkError, rows: Vec<Row>) -> Durable {
        let count = rows.len() as u64;
        self.shared.refused.fetch_add(count, Ordering::Relaxed);
        Durable::ready(Err(Refused { error, rows }))
    }

    fn spool_full(&self) -> SinkError {
        let (folder, limit) = (self.shared.folder(), self.shared.config.spool >> 20);
        SinkError::Failed {
            path: folder.to_owned(),
            reason: format!("the spool has reached its {limit} MiB; PostgreSQL takes nothing now"),
        }
    }
}

impl Sink for PostgresSink {
    fn log_id(&self) -> LogId {
        self.shared.spool.log_id()
    }

    fn register(&self, keys: &[SeriesKey]) -> Result<Vec<SeriesId>, SinkError> {
        self.shared.spool.register(keys)
    }

    fn list(&self) -> Vec<(SeriesId, SeriesKey)> {
        self.shared.spool.list()
    }

    fn describe(&self, about: &[(SeriesId, About)]) {
        self.shared.about.lock().extend(about.iter().cloned());
    }

    fn append(&self, rows: Vec<Row>) -> Durable {
        match self.shared.is_full() {
            true => self.refused(self.spool_full(), rows),
            false => self.shared.spool.append(rows),
        }
    }

    fn restore(&self, rows: Vec<Row>) -> Result<u64, SinkError> {
        self.shared.restore(rows)
    }

    fn forgo(&self, series: SeriesId, first: u64, last: u64) -> Durable {
        self.shared.spool.forgo(series, first, last)
    }

    fn put_rollups(&self, batch: &RollupBatch) -> Result<(), SinkError> {
        self.shared.put_rollups(batch)
    }

    fn covered(&self, series: SeriesId) -> Result<u64, SinkError> {
        self.shared.covered(series)
    }

    fn samples(&self, query: &SampleQuery) -> Result<Samples, SinkError> {
        self.shared.settle_up()?;
        Ok(Box::new(Reading::samples(&self.shared, query)))
    }

    fn rows(&self, query: &RowQuery) -> Result<Samples, SinkError> {
        self.shared.settle_up()?;
        Ok(Box::new(Reading::rows(&self.shared, query)))
    }

    fn edits(&self, series: SeriesId) -> Result<Vec<Row>, SinkError> {
        self.shared.edits_of(series)
    }

    // Gap records are of this node, and must be taken while the server is away: they lie in the
    // spool's folder and stay there.
    fn record_gap(&self, gap: &Gap) -> Result<GapId, SinkError> {
        self.shared.spool.record_gap(gap)
    }

    fn gaps(&self, query: &GapQuery) -> Result<Vec<(GapId, Gap)>, SinkError> {
        self.shared.spool.gaps(query)
    }

    fn heal_gap(&self, id: GapId, state: Healing) -> Result<(), SinkError> {
        self.shared.spool.heal_gap(id, state)
    }

    fn rollups(&self, query: &RollupQuery) -> Result<Rollups, SinkError> {
        if let Some(error) = self.shared.away() {
            return Err(error);
        }
        Ok(Box::new(super::rolled::ReadingRollups::new(
            &self.shared,
            query,
        )))
    }

    fn readable(&self) -> Result<(), SinkError> {
        self.shared.away().map_or(Ok(()), Err)
    }

    fn last(&self, series: SeriesId) -> Result<Option<Row>, SinkError> {
        let mut query = SampleQuery::new(series, i64::MIN, i64::MAX);
        query.order = Order::Descending;
        query.limit = 1;
        let told = self.samples(&query);
        match told.map(|mut found| found.next().transpose()) {
            Ok(Ok(found)) => Ok(found),
            // Recording must go on where it ended, also while the server is away.
            Ok(Err(_)) | Err(_) if self.watermark(series)? == 0 => Ok(None),
            Ok(Err(error)) | Err(error) => {
                let spooled = self.shared.spool.last(series)?;
                let noted = self.shared.lasts.get(series);
                let known = spooled.into_iter().chain(noted);
                let known = known.max_by_key(|row| (row.time, row.row));
                known.map_or(Err(error), |row| Ok(Some(row)))
            }
        }
    }

    fn watermark(&self, series: SeriesId) -> Result<u64, SinkError> {
        self.shared.spool.watermark(series)
    }

    fn held(&self, series: SeriesId) -> Result<Vec<(u64, u64)>, SinkError> {
        self.shared.spool.held(series)
    }

    fn extent(&self, series: SeriesId) -> Result<Extent, SinkError> {
        self.shared.settle_up()?;
        self.shared.extent(series)
    }

    fn retain(&self, policy: &Policy) -> Result<Retained, SinkError> {
        self.shared.retain(policy)
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }

    fn integrity(&self) -> Result<Integrity, SinkError> {
        self.shared.settle_up()?;
        answer::check(&self.shared)
    }
}

impl Drop for PostgresSink {
    fn drop(&mut self) {
        self.close();
    }
}
