//! Applies a neighbour's stream to the store under the remote's prefix. Pure: no socket, no clock
//! of its own, so that the simulation runs the real thing.

mod alias;
mod common_ground;
mod counters;
mod error;
mod known;
mod lives;
mod place;
mod rows;
mod seen;
mod tree;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mainstem_model::GlobSet;
use mainstem_store::{Filter, MirrorRow, SourceId, Store};
use mainstem_wire::{Cursor, EventFrame, HelloFrame, Line, PROTOCOL};

use common_ground::CommonGround;
pub use common_ground::DigestRequest;
pub use counters::{MirrorCounters, Step};
pub use error::MirrorError;
use known::{Mapped, MappedPoint};
use lives::Lives;
pub use lives::PutBack;
use seen::Seen;

/// Largest number that a neighbour may give a datapoint.
pub(crate) const REMOTE_IDS_MAX: usize = 4 * 1024 * 1024;

/// What one neighbour may bring at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorLimits {
    /// Datapoints; further ones are left out.
    pub points: usize,
    /// Sources; further ones are pruned.
    pub sources: usize,
}

impl Default for MirrorLimits {
    fn default() -> Self {
        Self {
            points: 500_000,
            sources: 10_000,
        }
    }
}

/// The neighbour's feed, applied here.
pub struct Mirror {
    store: Arc<Store>,
    link: SourceId,
    prefix: String,
    filter: Filter,
    /// Which kinds of events are carried up.
    events: GlobSet,
    limits: MirrorLimits,
    hello: Option<HelloFrame>,
    sources: HashMap<u32, Mapped>,
    points: Vec<Option<MappedPoint>>,
    point_count: usize,
    pending: Vec<MirrorRow>,
    pending_catchup: bool,
    place: Option<u64>,
    looked: Option<u64>,
    seen: Option<Seen>,
    common: CommonGround,
    lives: Lives,
    /// What is fetched again counts as a change.
    startup_events: bool,
    suspected: HashSet<u32>,
    counters: MirrorCounters,
    /// Changes of aliases in this stream.
    alias_changes: usize,
    /// An alias changed what `read` lets in.
    begin_anew: bool,
    last_left_out: Option<String>,
    pruned: Option<String>,
}

impl Mirror {
    /// A mirror below a link's source. What is in the store from before is taken up.
    pub fn new(store: Arc<Store>, link: SourceId, prefix: &str, filter: Filter) -> Self {
        let mut mirror = Self {
            store,
            link,
            prefix: prefix.to_owned(),
            filter,
            events: GlobSet::default(),
            limits: MirrorLimits::default(),
            hello: None,
            sources: HashMap::new(),
            points: Vec::new(),
            point_count: 0,
            pending: Vec::new(),
            pending_catchup: false,
            place: None,
            looked: None,
            seen: None,
            common: CommonGround::default(),
            lives: Lives::default(),
            startup_events: false,
            suspected: HashSet::new(),
            counters: MirrorCounters::default(),
            alias_changes: 0,
            begin_anew: false,
            last_left_out: None,
            pruned: None,
        };
        mirror.take_up();
        mirror.drop_unwanted_variables();
        mirror
    }

    /// Carries events of these kinds up.
    #[must_use]
    pub fn with_events(mut self, kinds: GlobSet) -> Self {
        self.events = kinds;
        self
    }

    /// With other limits than the default ones.
    #[must_use]
    pub fn with_limits(mut self, limits: MirrorLimits) -> Self {
        self.limits = limits;
        self
    }

    /// For a neighbour whose values count as changes also when they are fetched again.
    #[must_use]
    pub fn with_startup_events(mut self, startup_events: bool) -> Self {
        self.startup_events = startup_events;
        self
    }

    /// Where to go on; `None` asks for a snapshot.
    pub fn cursor(&self) -> Option<Cursor> {
        self.store.mirror_cursor(self.link)
    }

    /// Forgets how far the neighbour was applied: the next stream begins with a snapshot, of the
    /// differences where the neighbour can tell them, or of everything.
    pub fn resync(&mut self, in_full: bool) {
        self.counters.resyncs += 1;
        if in_full {
            self.common.take_all();
        }
        self.store.forget_cursor(self.link);
    }

    /// Counters so far.
    pub fn counters(&self) -> MirrorCounters {
        self.counters
    }

    /// Who is at the other end, as far as it said.
    pub fn hello(&self) -> Option<&HelloFrame> {
        self.hello.as_ref()
    }

    /// The last datapoint that was left out, and why.
    pub fn last_left_out(&self) -> Option<&str> {
        self.last_left_out.as_deref()
    }

    /// What was pruned in this stream, and why, for people.
    pub fn pruned(&self) -> Option<&str> {
        self.pruned.as_deref()
    }

    /// A new stream begins; the next line has to be a hello.
    pub fn begin(&mut self) {
        self.hello = None;
        self.pending.clear();
        (self.place, self.looked) = (None, None);
        self.seen = None;
        self.common.begin();
        self.pruned = None;
        self.alias_changes = 0;
        self.begin_anew = false;
        // What was suspected belongs to the old stream; the link's own state covers it meanwhile.
        for remote_id in std::mem::take(&mut self.suspected) {
            if let Some(mapped) = self.sources.get(&remote_id) {
                self.store.set_status(mapped.id, mapped.told);
            }
        }
    }

    /// Applies one line. Rows wait for [`Mirror::flush`], so that a chunk of lines is one batch.
    pub fn line(&mut self, line: &Line<'_>) -> Result<Step, MirrorError> {
        let mut step = Step::default();
        if let Some(hello) = &line.hello {
            self.greet(hello)?;
        }
        if self.hello.is_none() {
            return Err(MirrorError::NoHello);
        }
        if let Some(same) = &line.same {
            self.same(same)?;
        }
        let has_more = line.source.is_some()
            || line.status.is_some()
            || !line.alias.is_empty()
            || !line.define.is_empty()
            || !line.remove.is_empty()
            || !line.gone.is_empty()
            || !line.variable.is_empty();
        // Rows come before what changes around them.
        if has_more || (line.c > 0) != self.pending_catchup {
            step.changes += self.apply_pending();
        }
        self.pending_catchup = line.c > 0;
        self.tree(line)?;
        step.changes += self.variables(line);
        self.rows(line);
        if self.must_begin_anew() {
            return Err(MirrorError::Renamed);
        }
        if let Some(event) = &line.event {
            self.carry(event);
        }
        if let Some(gap) = &line.gap {
            self.counters.missed += gap.count;
            step.missed = gap.count;
        }
        if line.end {
            step.changes += self.apply_pending();
            self.end_snapshot();
        }
        if let Some(place) = line.s {
            self.place = Some(place);
        }
        self.looked = line.h.or(line.s).max(self.looked);
        self.judge_doubted()?;
        Ok(step)
    }

    /// Applies the rows that wait, and moves the cursor.
    pub fn flush(&mut self) -> Step {
        let changes = self.apply_pending();
        Step {
            changes,
            missed: 0,
            applied: self.place,
            looked: self.looked,
        }
    }

    /// What waits for an answer is told here too; the answer comes back down this link.
    fn carry(&mut self, event: &EventFrame) {
        let carried = match self.events.allows(&event.kind) {
            true => self.store.carry_event(self.link, event),
            false => return,
        };
        match carried {
            Ok(()) => self.counters.events += 1,
            Err(_) => self.counters.events_refused += 1,
        }
    }

    fn greet(&mut self, hello: &HelloFrame) -> Result<(), MirrorError> {
        if hello.protocol != PROTOCOL {
            return Err(MirrorError::Protocol(hello.protocol));
        }
        if hello.node == self.store.setup().node {
            return Err(MirrorError::Myself);
        }
        if let Some(known) = self.place_of(hello.node) {
            return Err(self.give_way(&hello.name, known));
        }
        self.meet(hello)?;
        self.learn_features(&hello.features);
        if hello.snapshot {
            self.count_snapshot();
            self.sources.clear();
            self.points.clear();
            self.point_count = 0;
            self.lives.doubt_nothing();
            self.seen = Some(Seen::default());
            self.store.forget_cursor(self.link);
        } else {
            self.counters.resumes += 1;
        }
        self.hello = Some(hello.clone());
        Ok(())
    }
}
