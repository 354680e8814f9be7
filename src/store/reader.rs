//! A reader of the feed: a snapshot if it has no cursor, then entry after entry, and what it
//! missed as latest values if it fell behind the log. It costs the same however far it is behind.

use mainstem_model::Value;
use mainstem_wire::{
    Cursor, DefineFrame, Digests, Epoch, GapFrame, RowOut, SameFrame, SourceFrame, StatusFrame,
};

use crate::digest::Compare;
use crate::log::{Entry, SampleEntry};
use crate::scan::Scan;
use crate::sources::status_frame;
use crate::state::State;
use crate::{Filter, PointId, SourceId, Store};

/// Entries or slots looked at under one lock.
pub(crate) const LOOK_MAX: usize = 4096;

/// Bytes of large values copied out under one lock, about.
pub(crate) const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Which samples a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Delivery {
    /// The latest of each datapoint; older ones that wait are left out.
    #[default]
    Latest,
    /// Every one, as far as the log reaches.
    Every,
}

/// Why a cursor cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The node was started again.
    #[error("the cursor is from before the node's last start: read again without `since`")]
    Epoch,
    /// It was given for other filters.
    #[error("the cursor belongs to other filters: read again without `since`")]
    Filter,
    /// Datapoints were removed since, and the feed no longer knows which.
    #[error("the cursor is too old to tell what was removed since: read again without `since`")]
    Forgotten,
    /// Nobody can have got it from this node.
    #[error("the cursor is ahead of the feed: it is from another node")]
    Ahead,
}

/// One item of a chunk, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// What a snapshot leaves out, since the reader has it.
    Same(SameFrame),
    /// A source, new or changed.
    Source(SourceFrame),
    /// A source's state.
    Status(StatusFrame),
    /// A source is no more.
    Gone(u32),
    /// A datapoint, before its first row.
    Define(DefineFrame),
    /// A datapoint is no more.
    Remove(u32),
    /// So many rows of [`Chunk::rows`] come here.
    Rows {
        /// How many.
        count: usize,
        /// Whether they are catch-up.
        catchup: bool,
    },
    /// Entries that this reader will not get.
    Gap(GapFrame),
    /// The snapshot is complete.
    End(u64),
}

/// What one read gave. Reused from read to read.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Items in order.
    pub items: Vec<Item>,
    /// The rows that [`Item::Rows`] count off.
    pub rows: Vec<RowOut>,
    /// Everything up to this entry was told, if that can be said.
    pub bookmark: Option<u64>,
    /// Bytes of large values in the rows.
    heap_bytes: usize,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The reader is at the head of the feed.
    AtHead,
    /// There is more to read at once.
    More,
    /// The feed forgot what the reader would have to be told: it has to begin with a snapshot.
    Expired,
}

/// A reader's place in a store's feed.
#[derive(Debug)]
pub struct Reader {
    pub(crate) filter: Filter,
    pub(crate) delivery: Delivery,
    pub(crate) phase: Phase,
    missed: u64,
}

#[derive(Debug)]
pub(crate) enum Phase {
    /// A snapshot that was not begun yet.
    Begin,
    /// Looking at everything for what the reader has already.
    Compare(Box<Compare>),
    /// Looking at everything (a snapshot) or at what changed since a place (after a gap).
    Scan(Scan),
    /// Following the log; the number of the next entry.
    Log(u64),
}

impl Chunk {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.rows.clear();
        self.bookmark = None;
        self.heap_bytes = 0;
    }

    /// Whether a chunk is large enough to be sent, by rows or by the size of their values.
    pub(crate) fn is_full(&self, rows_max: usize) -> bool {
        self.rows.len() >= rows_max || self.heap_bytes >= CHUNK_BYTES_MAX
    }

    pub(crate) fn push_row(&mut self, row: RowOut, is_catchup: bool) {
        self.heap_bytes += row.value.as_ref().map_or(0, Value::heap_bytes);
        self.rows.push(row);
        match self.items.last_mut() {
            Some(Item::Rows { count, catchup }) if *catchup == is_catchup => *count += 1,
            _ => self.items.push(Item::Rows {
                count: 1,
                catchup: is_catchup,
            }),
        }
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Reader {
    /// A reader that begins with a snapshot.
    pub fn snapshot(filter: Filter, delivery: Delivery) -> Self {
        Self {
            filter,
            delivery,
            phase: Phase::Begin,
            missed: 0,
        }
    }

    /// A reader that begins with a snapshot of what it does not have by its digests.
    pub fn differences(filter: Filter, delivery: Delivery, theirs: Digests) -> Self {
        Self {
            phase: Phase::Compare(Box::new(Compare::new(theirs))),
            ..Self::snapshot(filter, delivery)
        }
    }

    /// A reader that goes on behind a cursor.
    pub fn resume(
        store: &Store,
        filter: Filter,
        delivery: Delivery,
        cursor: Cursor,
    ) -> Result<Self, StartError> {
        if cursor.epoch != store.setup().epoch {
            return Err(StartError::Epoch);
        }
        if cursor.filter != filter.hash() {
            return Err(StartError::Filter);
        }
        store.read(|state| {
            if cursor.sequence > state.log.head() {
                return Err(StartError::Ahead);
            }
            if cursor.sequence < state.catalogue.forgotten {
                return Err(StartError::Forgotten);
            }
            Ok(Self {
                filter,
                delivery,
                phase: Phase::Log(cursor.sequence + 1),
                missed: 0,
            })
        })
    }

    /// The cursor of a place in this reader's stream.
    pub fn cursor(&self, epoch: Epoch, sequence: u64) -> Cursor {
        Cursor {
            epoch,
            sequence,
            filter: self.filter.hash(),
        }
    }

    /// Entries that this reader did not get because it was slow.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Copies out what comes next, about `rows_max` rows at the most.
    pub fn read(&mut self, store: &Store, chunk: &mut Chunk, rows_max: usize) -> Progress {
        chunk.clear();
        store.read(|state| self.read_state(state, chunk, rows_max))
    }

    fn read_state(&mut self, state: &State, chunk: &mut Chunk, rows_max: usize) -> Progress {
        if let Phase::Begin = self.phase {
            self.phase = Phase::Scan(Scan::snapshot(state.log.head()));
        }
        if let Phase::Compare(compare) = &mut self.phase {
            if let Some(scan) = compare.step(state, &mut self.filter, chunk) {
                self.phase = Phase::Scan(scan);
            }
            return Progress::More;
        }
        if let Phase::Scan(scan) = &mut self.phase {
            if scan.since() < state.catalogue.forgotten && !scan.is_snapshot() {
                return Progress::Expired;
            }
            if let Some(until) = scan.step(state, &mut self.filter, chunk, rows_max) {
                self.phase = Phase::Log(until + 1);
            }
            return Progress::More;
        }
        self.follow(state, chunk, rows_max)
    }

    fn follow(&mut self, state: &State, chunk: &mut Chunk, rows_max: usize) -> Progress {
        let Phase::Log(next) = self.phase else {
            return Progress::More;
        };
        let Some(entries) = state.log.from(next) else {
            return self.fall_behind(state, chunk, next);
        };
        let mut last = next - 1;
        for (sequence, entry) in entries.take(LOOK_MAX) {
            if chunk.is_full(rows_max) {
                break;
            }
            last = sequence;
            self.entry(state, chunk, sequence, entry);
        }
        self.phase = Phase::Log(last + 1);
        chunk.bookmark = (last >= next).then_some(last);
        if last < state.log.head() {
            Progress::More
        } else {
            Progress::AtHead
        }
    }

    fn fall_behind(&mut self, state: &State, chunk: &mut Chunk, next: u64) -> Progress {
        let until = state.log.head();
        let count = state.log.first() - next;
        self.missed += count;
        chunk.items.push(Item::Gap(GapFrame {
            from: next - 1,
            to: state.log.first() - 1,
            count,
        }));
        self.phase = Phase::Scan(Scan::since_entry(next - 1, until));
        Progress::More
    }

    fn entry(&mut self, state: &State, chunk: &mut Chunk, sequence: u64, entry: &Entry) {
        match entry {
            Entry::Sample(sample) => self.sample(state, chunk, sequence, sample),
            Entry::Define(id) => {
                self.filter.forget(*id);
                define(state, &mut self.filter, chunk, *id);
            }
            Entry::Remove(id) => {
                if self.filter.passed(*id) {
                    chunk.items.push(Item::Remove(id.0));
                }
            }
            Entry::Source(id) => source(state, chunk, *id),
            Entry::Status(id, status) => chunk.items.push(Item::Status(status_frame(*id, *status))),
            Entry::Gone(id) => chunk.items.push(Item::Gone(id.0)),
        }
    }

    fn sample(&mut self, state: &State, chunk: &mut Chunk, sequence: u64, sample: &SampleEntry) {
        let Some(point) = state.catalogue.get(sample.point) else {
            return;
        };
        // The number may have another definition by now; its samples come behind that.
        if point.defined > sequence {
            return;
        }
        if self.delivery == Delivery::Latest && point.slot.sequence != sequence {
            self.missed += 1;
            return;
        }
        if !self.filter.passes(sample.point, point.name.as_str()) {
            return;
        }
        let told = state
            .sources
            .get(point.source)
            .map(|source| source.epoch.counter);
        let epoch = (told != Some(sample.origin_epoch)).then_some(sample.origin_epoch);
        let row = RowOut {
            id: sample.point.0,
            quality: sample.quality.code(),
            epoch,
            origin: sample.origin,
            time: sample.source_time,
            value: sample.value.clone(),
        };
        chunk.push_row(row, sample.catchup);
    }
}

pub(crate) fn source(state: &State, chunk: &mut Chunk, id: SourceId) {
    if let Some(source) = state.sources.get(id) {
        let mut frame = source.frame(id);
        frame.complete = state.is_complete(id);
        chunk.items.push(Item::Source(frame));
    }
}

pub(crate) fn define(state: &State, filter: &mut Filter, chunk: &mut Chunk, id: PointId) -> bool {
    let Some(point) = state.catalogue.get(id) else {
        return false;
    };
    if !filter.passes(id, point.name.as_str()) {
        return false;
    }
    let source = Some(point.source.0);
    let frame = DefineFrame::new(id.0, point.name.as_str(), source, &point.definition);
    chunk.items.push(Item::Define(frame));
    true
}
