//! Reads the node's feed and makes rows of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{GlobSet, Name, Quality, Reason, Timestamp};
use mainstem_store::{Chunk, Delivery, Filter, Item, PointId, Progress, Reader, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_wire::DefineFrame;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::door::Brought;
use super::plan::Plan;
use super::remembered;
use super::rolls::{Job, last_alive};
use super::sampler::Told;
use super::spool::{Sent, Spool};
use super::track::Tracks;
use super::{Book, Figures, RecorderSetup};
use crate::{Row, SeriesId, Sink, SinkError};
use bring::Awaited;

mod bring;
mod enrol;

/// Rows copied out under one lock.
const ROWS_MAX: usize = 1024;
/// How often values kept by interval are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long the rows that say that recording ended may take to get to the disk.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const PROBLEM: &str = "loggers.spool";
const WAITING: &str = "The data logger store takes no rows; they wait";
const TOO_SLOW: &str = "More than half of the memory for rows that wait is taken";
const LOSING: &str = "The data logger store takes no rows, and no more can wait: what happens now \
                      may not be recorded";

/// The reading end of the recorder.
pub(crate) struct Feed {
    store: Arc<Store>,
    sink: Arc<dyn Sink>,
    book: Arc<Book>,
    plan: Plan,
    jobs: mpsc::Sender<Job>,
    figures: Figures,
    health: Health,
    head: watch::Receiver<u64>,
    reader: Reader,
    chunk: Chunk,
    tracks: Tracks,
    spool: Spool,
    rows: Vec<Row>,
    door: Option<mpsc::Receiver<Brought>>,
    awaited: Vec<Awaited>,
    /// The next numbers of series that are not recorded now and whose last rows may still wait.
    resting: HashMap<SeriesId, u64>,
    /// The series that the sink had when this began.
    known: HashSet<Name>,
    /// When the node lived last, before this life.
    alive: Option<Timestamp>,
    /// When everything that had happened was read.
    seen: Timestamp,
    /// What is told from here on was forgotten by the feed before it was read.
    gap: Option<Timestamp>,
    /// When values kept by interval are due, in microseconds.
    dues: BTreeMap<i64, i64>,
    rollups: Duration,
    minutes_raw: Option<i64>,
}

impl Feed {
    pub(crate) fn new(
        setup: RecorderSetup,
        book: Arc<Book>,
        jobs: mpsc::Sender<Job>,
        figures: Figures,
    ) -> Result<Self, SinkError> {
        let (plan, config) = (Plan::new(&setup.config), &setup.config);
        let alive = last_alive(&setup.alive);
        let spool = Spool::new(Arc::clone(&setup.sink), config.spool, config.commit);
        let log = setup.sink.log_id();
        let own = setup.store.setup().node;
        let all = setup.sink.list().into_iter();
        let mine = all.filter(|(_, key)| key.log == log && key.origin == own);
        let mine: HashMap<Name, SeriesId> = mine.map(|(id, key)| (key.logger, id)).collect();
        let mut feed = Self {
            reader: snapshot(&plan),
            head: setup.store.changes(),
            known: mine.keys().cloned().collect(),
            seen: setup.store.clock().now(),
            rollups: config.rollups,
            minutes_raw: config.policy().raw,
            store: setup.store,
            sink: setup.sink,
            book,
            plan,
            jobs,
            figures,
            health: setup.health,
            chunk: Chunk::default(),
            tracks: Tracks::default(),
            spool,
            rows: Vec::new(),
            door: None,
            awaited: Vec::new(),
            resting: HashMap::new(),
            alive,
            gap: None,
            dues: BTreeMap::new(),
        };
        feed.door = feed.book.door().open();
        feed.list_singles()?;
        feed.list_ended(&setup.alive.with_file_name(remembered::FILE), &mine);
        Ok(feed)
    }

    /// Follows the feed until it is told to stop.
    pub(crate) async fn follow(mut self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut rolled: Option<Instant> = None;
        let mut at_head = false;
        while !stop.is_cancelled() {
            if !at_head && !self.spool.is_full() && !self.plan.is_empty() {
                at_head = self.read().await;
            }
            self.spool.push(&mut self.rows);
            self.spool.send(false);
            let wait_for_feed = at_head || self.spool.is_full() || self.plan.is_empty();
            let due = self.spool.due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                sent = self.spool.sent() => self.sent(sent).await,
                Some(brought) = brought(&mut self.door), if !self.spool.is_full() => {
                    self.bring(brought).await;
                }
                _ = tick.tick() => {
                    self.intervals();
                    if rolled.is_none_or(|at| at.elapsed() >= self.rollups) {
                        rolled = Some(Instant::now());
                        self.job(Job::Tick(self.store.clock().now())).await;
                    }
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                changed = self.head.changed(), if at_head => {
                    at_head = false;
                    if changed.is_err() { break }
                }
                () = std::future::ready(()), if !wait_for_feed => {}
            }
        }
        self.finish().await;
    }

    /// Reads once. Returns whether that was all.
    async fn read(&mut self) -> bool {
        self.head.borrow_and_update();
        let progress = self.reader.read(&self.store, &mut self.chunk, ROWS_MAX);
        let chunk = std::mem::take(&mut self.chunk);
        self.enrol(&chunk).await;
        let now = self.store.clock().now();
        self.take_in(&chunk, now);
        self.chunk = chunk;
        match progress {
            Progress::AtHead => self.seen = now,
            // Other names lead to other datapoints now: everything is looked at again.
            Progress::Expired => self.reader = snapshot(&self.plan),
            Progress::More => tokio::task::consume_budget().await,
        }
        progress == Progress::AtHead
    }

    fn take_in(&mut self, chunk: &Chunk, now: Timestamp) {
        let (mut rows, mut sources) = (chunk.rows.iter(), Vec::new());
        for item in &chunk.items {
            match item {
                Item::Rows { count, catchup } => {
                    for row in rows.by_ref().take(*count) {
                        let point = PointId(row.id);
                        if *catchup {
                            self.catch_up(point, now);
                            continue;
                        }
                        let told = Told {
                            time: row.time,
                            value: row.value.as_ref(),
                            quality: Quality::from_code(row.quality),
                        };
                        self.tracks.sample(point, told, now, &mut self.rows);
                    }
                }
                Item::Remove(id) => self.forget(PointId(*id), now),
                Item::Source(frame) => sources.push(SourceId(frame.id)),
                Item::Status(frame) => sources.push(SourceId(frame.id)),
                Item::Gap(_) => self.gap = Some(self.seen),
                Item::Define(_)
                | Item::Gone(_)
                | Item::Alias(_)
                | Item::Same(_)
                | Item::Variable(..)
                | Item::Event(_)
                | Item::End(_) => {}
            }
        }
        self.reconsider(&sources, now);
        if chunk.bookmark.is_some() {
            self.gap = None;
        }
    }

    /// A snapshot, or what is so after a gap: no change, but nothing that is not known may seem so.
    fn catch_up(&mut self, point: PointId, now: Timestamp) {
        if !self.tracks.is_tracked(point) {
            return;
        }
        if let Some(from) = self.gap {
            let lost = Quality::of(Reason::NotRecorded);
            let ended = self
                .tracks
                .end(point, lost, from.micros(), now, &mut self.rows);
            self.figures.gaps.inc_by(ended);
        }
        if let Some(view) = self.store.point_by_id(point) {
            self.tracks.now(&view, now, &mut self.rows);
        }
    }

    /// What hangs on sources may be known no more, or again.
    fn reconsider(&mut self, sources: &[SourceId], now: Timestamp) {
        if sources.is_empty() || self.tracks.is_empty() {
            return;
        }
        let mut below: Vec<SourceId> = sources
            .iter()
            .flat_map(|&source| self.store.subtree(source))
            .collect();
        below.sort_unstable();
        below.dedup();
        for point in self.store.points_below(&below) {
            if self.tracks.is_tracked(point)
                && let Some(view) = self.store.point_by_id(point)
            {
                self.tracks.now(&view, now, &mut self.rows);
            }
        }
    }

    fn forget(&mut self, point: PointId, now: Timestamp) {
        let gone = (Quality::of(Reason::Stopped), now);
        for track in self.tracks.remove(point, gone, &mut self.rows) {
            self.book.set_recording(&track.name, false);
            self.resting.insert(track.series, track.next);
        }
    }

    /// Keeps the values whose interval is over.
    fn intervals(&mut self) {
        let now = self.store.clock().now();
        for interval in self.tracks.intervals.clone() {
            let multiple = now.micros() - now.micros().rem_euclid(interval);
            let due = self.dues.entry(interval).or_insert(multiple + interval);
            if *due <= now.micros() {
                *due = multiple + interval;
                self.tracks.tick(interval, multiple, now, &mut self.rows);
            }
        }
    }

    async fn sent(&mut self, sent: Sent) {
        match sent {
            Sent::Stored(rows, time) => {
                self.figures.rows.inc_by(rows.len() as u64);
                self.tell_stored(&rows);
                let rows = Arc::new(rows);
                self.book.tap().pass(&rows);
                self.figures.stored.observe(time.as_secs_f64());
                self.job(Job::Rows(rows)).await;
                if self.spool.is_filling() {
                    self.tell(Severity::Warning, TOO_SLOW, "the disk is too slow for them");
                } else {
                    self.health.clear(PROBLEM);
                }
            }
            Sent::Refused(count, why) => {
                self.figures.refused.inc_by(count);
                tracing::warn!(rows = count, why, "the data logger store takes no rows now");
                if self.spool.is_full() {
                    self.tell(Severity::High, LOSING, &why);
                } else {
                    self.tell(Severity::Warning, WAITING, &why);
                }
            }
        }
        let bytes = i64::try_from(self.spool.bytes()).unwrap_or(i64::MAX);
        self.figures.spool.set(bytes);
        self.figures
            .waiting
            .set(i64::try_from(self.spool.len()).unwrap_or(i64::MAX));
    }

    fn tell(&self, severity: Severity, text: &str, why: &str) {
        self.health.raise(Problem {
            id: PROBLEM.into(),
            severity,
            source: "loggers".into(),
            text: format!("{text}: {why}."),
            action: "See that the disk of the data folder has room and is writable; recording \
                     goes on by itself."
                .into(),
        });
    }

    async fn job(&self, job: Job) {
        // It ends only after this does, unless it met a defect, which is told there.
        drop(self.jobs.send(job).await);
    }

    /// Says of everything that it is no longer recorded, and waits for the disk.
    async fn finish(mut self) {
        let now = self.store.clock().now();
        let stopped = Quality::of(Reason::Stopped);
        for point in self.tracks.points() {
            self.tracks
                .end(point, stopped, now.micros(), now, &mut self.rows);
        }
        self.spool.push(&mut self.rows);
        let until = Instant::now() + STOP_PATIENCE;
        while self.spool.len() > 0 {
            self.spool.send(true);
            match tokio::time::timeout_at(until, self.spool.sent()).await {
                Ok(sent) => self.sent(sent).await,
                Err(_) => {
                    let rows = self.spool.len();
                    tracing::error!(rows, "the data logger store did not take the last rows");
                    break;
                }
            }
            if self.spool.due().is_some_and(|due| due > Instant::now()) {
                tokio::time::sleep_until(until.min(Instant::now() + TICK)).await;
            }
            if Instant::now() >= until {
                break;
            }
        }
        self.job(Job::Tick(now)).await;
    }
}

fn snapshot(plan: &Plan) -> Reader {
    let filter = Filter::new(GlobSet::everything(), plan.wanted());
    Reader::snapshot(filter, Delivery::Every)
}

/// The next batch that somebody brings.
async fn brought(door: &mut Option<mpsc::Receiver<Brought>>) -> Option<Brought> {
    door.as_mut()?.recv().await
}

/// What a definition says that is recorded.
pub(crate) struct Enrolment {
    point: PointId,
    place: usize,
    series: Name,
    frame: DefineFrame,
}
