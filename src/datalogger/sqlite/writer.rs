//! The one thread that writes samples.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::catalogue;
use super::commit::Batch;
use super::file::{self, Told, write_error};
use super::part::Part;
use super::parts;
use super::queue::{Append, Order, Work};
use super::reached::{Note, Reached};
use super::shared::Shared;
use super::trouble::reason_of;
use crate::{SeriesId, SeriesKey, SinkError};

/// How often the disk is looked at, and a failed store tries again.
const TICK: Duration = Duration::from_secs(1);

/// A part and the connection that writes it.
struct Open {
    part: Arc<Part>,
    connection: Connection,
    /// The series that its own table has, so that a lost catalogue can be made again.
    series: HashSet<SeriesId>,
}

impl Open {
    fn new(part: Arc<Part>, connection: Connection) -> Told<Self> {
        let series = catalogue::ids(&connection).map_err(write_error(&part.path))?;
        Ok(Self {
            part,
            connection,
            series,
        })
    }
}

/// The thread's own.
pub(super) struct Writer {
    shared: Arc<Shared>,
    active: Option<Open>,
    /// The part before, while it is being settled.
    older: Option<Open>,
    looked: Instant,
    note: Note,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, part: Arc<Part>, connection: Connection) -> Told<Self> {
        Ok(Self {
            note: Note::new(&shared.config.folder),
            shared,
            active: Some(Open::new(part, connection)?),
            older: None,
            looked: Instant::now(),
        })
    }

    /// Works until the store is closed. After a defect the files are opened anew; what was being
    /// stored is given back, for its callers hear that nobody answers.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while shared.guarded("write", || self.work()).is_none() {
            self.looked = Instant::now();
            self.fail("its writing thread met a defect");
        }
    }

    fn work(&mut self) {
        loop {
            match self.shared.queue.next(TICK) {
                Work::Rows(group) => self.commit(group),
                Work::Order(order) => self.obey(order),
                Work::Tick => {}
                Work::Stop => return,
            }
            if self.looked.elapsed() >= TICK {
                self.look();
            }
        }
    }

    /// Looks at the disk, comes back from a failure, and begins a new part when it is time.
    fn look(&mut self) {
        self.looked = Instant::now();
        if let Err(reason) = self.shared.check_disk() {
            self.fail(&reason);
        } else if self.active.is_none() || self.shared.trouble.lock().is_some() {
            match self.recover() {
                Ok(()) => self.shared.clear_trouble(),
                Err(error) => self.fail(&reason_of(&error)),
            }
        } else if self.is_ripe()
            && let Err(error) = self.rotate()
        {
            self.fail(&reason_of(&error));
        }
    }

    /// Marks the store failed. Its files are closed: a descriptor whose sync failed once is never
    /// asked again, for the system may have forgotten what it could not write.
    fn fail(&mut self, reason: &str) {
        self.shared.set_trouble(reason);
        if let Some(open) = self.active.take() {
            open.part.close_idle();
        }
        self.older = None;
    }

    /// Opens the newest part again and proves that it takes a write.
    fn recover(&mut self) -> Told<()> {
        self.active = None;
        let (part, connection) = parts::reopen(&self.shared)?;
        self.active = Some(Open::new(part, connection)?);
        Ok(())
    }

    fn commit(&mut self, group: Vec<Append>) {
        if let Some(error) = self.shared.trouble_error() {
            return self.shared.refuse(group, &error);
        }
        let (batch, group) = self.batch(group);
        let shared = Arc::clone(&self.shared);
        if !batch.is_empty()
            && let Err(error) = shared.busy.during(|| self.write(&batch))
        {
            self.fail(&reason_of(&error));
            return self.shared.refuse(group, &error);
        }
        let counters = &self.shared.counters;
        counters
            .repeated
            .fetch_add(batch.repeated, Ordering::Relaxed);
        counters.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.acknowledge(group);
    }

    /// The batch of a group, without those that bring a series in too many pieces.
    fn batch(&self, mut group: Vec<Append>) -> (Batch, Vec<Append>) {
        loop {
            let made = Batch::of(&group, &self.shared.numbers.read(), &self.shared.edits);
            let series = match made {
                Ok(batch) => return (batch, group),
                Err(series) => series,
            };
            let brings = |append: &Append| {
                append.forgone.is_some_and(|gone| gone.0 == series)
                    || append.rows.iter().any(|row| row.series == series)
            };
            let (refused, kept) = group.into_iter().partition(brings);
            group = kept;
            let refused: Vec<Append> = refused;
            self.shared.refuse(refused, &SinkError::Scattered(series.0));
        }
    }

    fn write(&mut self, batch: &Batch) -> Told<()> {
        let shared = Arc::clone(&self.shared);
        let open = self.active.as_mut().ok_or(SinkError::Stopped)?;
        let mut figures = open.part.figures();
        let fresh = fresh_series(&shared, batch, &open.series);
        // Nobody reads a page while an edit is stored and not yet known, or the other way round.
        let is_edit = !batch.hidden.is_empty();
        let gate = is_edit.then(|| shared.edits.writing());
        let mut write = || -> rusqlite::Result<()> {
            let transaction = open.connection.transaction()?;
            for (id, key) in &fresh {
                catalogue::insert_series(&transaction, *id, key)?;
            }
            batch.write(&transaction, &mut figures)?;
            transaction.commit()
        };
        write().map_err(write_error(&open.part.path))?;
        // On disk: now it may be seen and acknowledged.
        if is_edit {
            shared.edits.publish(batch.hidden.clone());
        }
        drop(gate);
        open.series.extend(fresh.into_iter().map(|(id, _)| id));
        open.part.set_figures(figures);
        self.note.write(Reached {
            part: open.part.number,
            next_batch: figures.next_batch,
        });
        let mut numbers = shared.numbers.write();
        for segment in &batch.segments {
            let stored = numbers.entry(segment.series).or_default();
            stored.absorb(&segment.numbers);
        }
        drop(numbers);
        let enough = figures.staged >= shared.config.settle_rows;
        shared.settling.staged(enough);
        Ok(())
    }

    fn obey(&mut self, order: Order) {
        // Whoever gave the order may have gone; it was carried out nevertheless.
        match order {
            Order::Swap(swap, answer) => {
                let told = self.with_part(&swap.part.clone(), |connection| swap.write(connection));
                drop(answer.send(told));
            }
            Order::Seal(part, answer) => drop(answer.send(self.seal(&part))),
            Order::Rotate(answer) => drop(answer.send(self.rotate())),
            #[cfg(test)]
            Order::Defect => panic!("a defect on purpose"),
        }
    }

    /// Does something with the connection that writes a part.
    fn with_part(
        &mut self,
        part: &Arc<Part>,
        act: impl FnOnce(&mut Connection) -> Told<()>,
    ) -> Told<()> {
        if let Some(error) = self.shared.trouble_error() {
            return Err(error);
        }
        let is_it = |open: &&mut Open| open.part.number == part.number;
        if self.active.as_mut().filter(is_it).is_none()
            && self.older.as_mut().filter(is_it).is_none()
        {
            let synchronous = self.shared.config.synchronous;
            let opened = file::open_writer(&part.path, synchronous);
            let connection = opened.map_err(write_error(&part.path))?;
            self.older = Some(Open::new(Arc::clone(part), connection)?);
        }
        let open = match self.active.as_mut().filter(is_it) {
            Some(open) => open,
            None => self.older.as_mut().ok_or(SinkError::Stopped)?,
        };
        let told = act(&mut open.connection);
        if let Err(error @ SinkError::Failed { .. }) = &told {
            self.fail(&reason_of(error));
        }
        told
    }

    /// Makes a settled part one plain file that nobody writes.
    fn seal(&mut self, part: &Arc<Part>) -> Told<()> {
        self.with_part(part, |connection| {
            part.close_idle();
            parts::make_plain(&part.path, connection)
        })?;
        self.older = None;
        part.set_sealed();
        Ok(())
    }

    /// Whether the newest part is full or old enough.
    fn is_ripe(&self) -> bool {
        let Some(open) = &self.active else {
            return false;
        };
        let figures = open.part.figures();
        let now = self.shared.clock.now().micros();
        let age = u64::try_from(now.saturating_sub(figures.created)).unwrap_or(0);
        let old = Duration::from_micros(age) >= self.shared.config.part_age;
        let full = file::bytes_of(&open.part.path) >= self.shared.part_bytes();
        figures.rows() > 0 && (old || full || open.part.known().damage.is_some())
    }

    /// Begins a new part.
    fn rotate(&mut self) -> Told<()> {
        if let Some(error) = self.shared.trouble_error() {
            return Err(error);
        }
        let (part, connection) = parts::begin(&self.shared)?;
        self.older = self.active.replace(Open::new(part, connection)?);
        Ok(())
    }
}

/// The series of a batch that a part does not know yet.
fn fresh_series(
    shared: &Shared,
    batch: &Batch,
    known: &HashSet<SeriesId>,
) -> Vec<(SeriesId, SeriesKey)> {
    let mut fresh: Vec<_> = batch
        .segments
        .iter()
        .map(|segment| segment.series)
        .collect();
    fresh.retain(|id| !known.contains(id));
    fresh.sort_unstable();
    fresh.dedup();
    let fresh = fresh.into_iter();
    let fresh = fresh.filter_map(|id| Some((id, shared.catalogue.key(id)?)));
    fresh.collect()
}
