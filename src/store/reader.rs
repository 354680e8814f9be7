//! A reader of the feed: a snapshot if it has no cursor, then entry after entry, and what it
//! missed as latest values if it fell behind the log. It costs the same however far it is behind.

mod latest;
mod tell;

pub(crate) use tell::{define, not_good_yet, source};

use std::collections::HashMap;

use mainstem_model::GlobSet;
use mainstem_wire::{Cursor, Digests, Epoch, GapFrame};

use crate::chunk::{Chunk, Item};
use crate::digest::Compare;
use crate::scan::Scan;
use crate::state::State;
use crate::{Filter, PointId, Store};

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
}
