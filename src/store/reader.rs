//! A reader of the feed: a snapshot if it has no cursor, then entry after entry, and what it
//! missed as latest values if it fell behind the log. It costs the same however far it is behind.

mod latest;

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_model::{GlobSet, Quality, Reason, Status};
use mainstem_wire::{Cursor, DefineFrame, Digests, Epoch, GapFrame, RowOut};

use crate::catalogue::Point;
use crate::chunk::{Chunk, Item};
use crate::digest::Compare;
use crate::log::{Entry, SampleEntry};
use crate::renamed::alias;
use crate::scan::Scan;
use crate::sources::status_frame;
use crate::state::State;
use crate::{Filter, PointId, SourceId, Store, variables};

/// Entries or slots looked at under one lock.
pub(crate) const LOOK_MAX: usize = 4096;

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
    /// Of a reader of the latest: datapoints that were told ahead of the log, and the entry whose
    /// sample that was. As many as it may be behind at the most.
    ahead: HashMap<PointId, u64>,
    /// Which events it is told; those before this entry happened before it came.
    events: Option<GlobSet>,
    events_after: u64,
    /// Each row names its epoch.
    names_epochs: bool,
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

impl Reader {
    /// A reader that begins with a snapshot.
    pub fn snapshot(filter: Filter, delivery: Delivery) -> Self {
        Self {
            filter,
            delivery,
            phase: Phase::Begin,
            missed: 0,
            ahead: HashMap::new(),
            events: None,
            events_after: 0,
            names_epochs: false,
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
        let mut filter = filter;
        store.read(|state| {
            filter.settle(&state.aliases);
            if cursor.filter != filter.hash() {
                return Err(StartError::Filter);
            }
            if cursor.sequence > state.log.head() {
                return Err(StartError::Ahead);
            }
            if cursor.sequence < state.forgotten() {
                return Err(StartError::Forgotten);
            }
            Ok(Self {
                filter,
                delivery,
                phase: Phase::Log(cursor.sequence + 1),
                missed: 0,
                ahead: HashMap::new(),
                events: None,
                events_after: state.log.head(),
                names_epochs: false,
            })
        })
    }

    /// Tells events of these kinds too, from now on: those that happened before are not told. So a
    /// snapshot stands from now on too.
    #[must_use]
    pub fn with_events(mut self, store: &Store, kinds: GlobSet) -> Self {
        if let Phase::Begin = self.phase {
            self.begin(store.read(|state| state.log.head()));
        }
        self.events = Some(kinds);
        self
    }

    /// Lets each row name its epoch, for who keeps rows back: its source may be told anew meanwhile.
    #[must_use]
    pub fn naming_epochs(mut self) -> Self {
        self.names_epochs = true;
        self
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
        chunk.now = store.clock().monotonic();
        store.read(|state| self.read_state(state, chunk, rows_max))
    }

    fn read_state(&mut self, state: &State, chunk: &mut Chunk, rows_max: usize) -> Progress {
        if !self.filter.settle(&state.aliases) {
            return Progress::Expired;
        }
        if let Phase::Begin = self.phase {
            self.begin(state.log.head());
        }
        if let Phase::Compare(compare) = &mut self.phase {
            if let Some(scan) = compare.step(state, &mut self.filter, chunk) {
                self.events_after = scan.until();
                self.phase = Phase::Scan(scan);
            }
            return Progress::More;
        }
        if let Phase::Scan(scan) = &mut self.phase {
            if scan.since() < state.forgotten() && !scan.is_snapshot() {
                return Progress::Expired;
            }
            let conflates = scan.conflates();
            scan.name_epochs(self.names_epochs);
            if let Some(until) = scan.step(state, &mut self.filter, chunk, rows_max) {
                self.phase = Phase::Log(until + 1);
            }
            if conflates {
                // All that waited were counted when it began.
                self.missed = self.missed.saturating_sub(chunk.rows.len() as u64);
            }
            return Progress::More;
        }
        self.follow(state, chunk, rows_max)
    }

    fn begin(&mut self, head: u64) {
        self.events_after = head;
        self.phase = Phase::Scan(Scan::snapshot(head));
    }

    fn follow(&mut self, state: &State, chunk: &mut Chunk, rows_max: usize) -> Progress {
        let Phase::Log(next) = self.phase else {
            return Progress::More;
        };
        let Some(entries) = state.log.from(next) else {
            return self.fall_behind(state, chunk, next);
        };
        if self.is_far_behind(state, next) {
            return self.conflate(state, chunk, next);
        }
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
            self.ahead.clear();
            Progress::AtHead
        }
    }

    fn fall_behind(&mut self, state: &State, chunk: &mut Chunk, next: u64) -> Progress {
        let until = state.log.head();
        let count = state.log.first() - next;
        self.missed += count;
        self.ahead.clear();
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
            Entry::Source(id) => source_of_then(state, chunk, *id, sequence),
            Entry::Status(id, status) => chunk.items.push(Item::Status(status_frame(*id, *status))),
            Entry::Gone(id) => chunk.items.push(Item::Gone(id.0)),
            Entry::Alias(from) => alias(&state.aliases, &self.filter, chunk, from),
            Entry::Variable(name, catchup) => {
                variables::tell(state, &self.filter, chunk, (sequence, name, *catchup));
            }
            Entry::Event(event) => {
                let told = self.events.as_ref();
                let wanted = told.is_some_and(|kinds| kinds.allows(event.kind.as_str()));
                if wanted && sequence > self.events_after {
                    chunk.items.push(Item::Event(Arc::clone(event)));
                }
            }
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
        if !self.filter.passes(state, sample.point, &point.name) {
            return;
        }
        if self.delivery == Delivery::Latest && self.is_told(sample, sequence, &point.slot) {
            return;
        }
        if self.delivery == Delivery::Latest && point.slot.sequence != sequence {
            let newest = crate::apply::entry_of(sample.point, &point.slot, false);
            chunk.push_row(self.row(state, point, sequence, &newest), false);
            return;
        }
        let row = self.row(state, point, sequence, sample);
        chunk.push_row(row, sample.catchup);
    }

    /// A sample as it is told at a place of the log, where its source may still have to be told
    /// with the epoch that the sample is of.
    fn row(&self, state: &State, point: &Point, sequence: u64, sample: &SampleEntry) -> RowOut {
        let place = if self.names_epochs { 0 } else { sequence };
        let sources = &state.sources;
        RowOut {
            id: sample.point.0,
            quality: sample.quality.code(),
            epoch: sources.epoch_to_name(point.source, sample.origin_epoch, place),
            origin: sample.origin,
            time: sample.source_time,
            value: sample.value.clone(),
        }
    }
}

/// A source as an entry of the log tells it: as it is now, but not good before the entry that says
/// so. The samples that its trust is about stand in the log between the two.
fn source_of_then(state: &State, chunk: &mut Chunk, id: SourceId, sequence: u64) {
    source(state, chunk, id);
    let is_later = state
        .sources
        .get(id)
        .is_some_and(|source| source.changed > sequence && source.own.quality.is_good());
    if is_later {
        not_good_yet(chunk);
    }
}

/// The source that was told last is not good before what its trust is about was told.
pub(crate) fn not_good_yet(chunk: &mut Chunk) {
    if let Some(Item::Source(frame)) = chunk.items.last_mut()
        && frame.status == Status::Good
    {
        let quality = Quality::of(Reason::Catching);
        (frame.status, frame.reason) = (quality.status, quality.reason);
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
    if !filter.passes(state, id, &point.name) {
        return false;
    }
    let source = Some(point.source.0);
    let frame = DefineFrame::new(id.0, point.name.as_str(), source, &point.definition);
    chunk.items.push(Item::Define(frame));
    true
}
