//! Looks at the state instead of the log: a snapshot, or what changed since a place that the log
//! no longer reaches. It goes in steps, so that it holds the lock only briefly.

use mainstem_model::Value;
use mainstem_wire::RowOut;

use crate::catalogue::{Point, Tombstone};
use crate::chunk::{CHUNK_BYTES_MAX, Chunk, Item};
use crate::digest::{Common, Lacks};
use crate::reader::{LOOK_MAX, define, not_good_yet, source};
use crate::renamed::alias;
use crate::sources::status_frame;
use crate::state::State;
use crate::variables::Place;
use crate::{Filter, PointId};

#[derive(Debug)]
pub(crate) struct Scan {
    /// What is not newer than this entry is known to the reader; `None` for a snapshot.
    since: Option<u64>,
    /// The head when the scan began: the log goes on behind it.
    until: u64,
    /// Whether it stands in for the log while the reader of the latest is behind: then what it
    /// tells are changes and no catch-up.
    conflates: bool,
    sources_told: bool,
    next: u32,
    variables: Place,
    /// What the reader has already.
    common: Option<Common>,
    /// Each row names its epoch.
    names_epochs: bool,
}

impl Scan {
    pub(crate) fn snapshot(head: u64) -> Self {
        Self {
            since: None,
            until: head,
            conflates: false,
            sources_told: false,
            next: 0,
            variables: Place::Table(None),
            common: None,
            names_epochs: false,
        }
    }

    pub(crate) fn differences(head: u64, common: Common) -> Self {
        Self {
            common: Some(common),
            ..Self::snapshot(head)
        }
    }

    pub(crate) fn since_entry(since: u64, head: u64) -> Self {
        Self {
            since: Some(since),
            until: head,
            conflates: false,
            sources_told: false,
            next: 0,
            variables: Place::Removed(since),
            common: None,
            names_epochs: false,
        }
    }

    /// What changed behind an entry, in the order of numbers, instead of the log.
    pub(crate) fn conflating(since: u64, head: u64) -> Self {
        Self {
            conflates: true,
            ..Self::since_entry(since, head)
        }
    }

    pub(crate) fn name_epochs(&mut self, names_epochs: bool) {
        self.names_epochs = names_epochs;
    }

    pub(crate) fn conflates(&self) -> bool {
        self.conflates
    }

    pub(crate) fn is_snapshot(&self) -> bool {
        self.since.is_none()
    }

    pub(crate) fn until(&self) -> u64 {
        self.until
    }

    pub(crate) fn since(&self) -> u64 {
        self.since.unwrap_or(0)
    }

    /// One step. Returns the place from which the log goes on when all was looked at.
    pub(crate) fn step(
        &mut self,
        state: &State,
        filter: &mut Filter,
        chunk: &mut Chunk,
        rows_max: usize,
    ) -> Option<u64> {
        if !self.sources_told {
            self.tell_sources(state, filter, chunk);
            self.sources_told = true;
            return None;
        }
        let mut looked = 0;
        let mut rows: Vec<RowOut> = Vec::new();
        let mut heap_bytes = 0;
        for (id, point) in state.catalogue.ids_from(self.next) {
            if looked >= LOOK_MAX || rows.len() >= rows_max || heap_bytes >= CHUNK_BYTES_MAX {
                break;
            }
            looked += 1;
            self.next = id.0 + 1;
            self.tell_point(state, filter, chunk, &mut rows, (id, point));
            heap_bytes += point.slot.value.as_ref().map_or(0, Value::heap_bytes);
        }
        // Definitions stand before all rows of the step.
        let is_catchup = !self.conflates;
        rows.into_iter()
            .for_each(|row| chunk.push_row(row, is_catchup));
        if looked > 0 || self.variables.step(state, filter, chunk, self.since) {
            return None;
        }
        match self.since {
            None => chunk.items.push(Item::End(self.until)),
            Some(since) => {
                self.tell_trust(state, chunk, since);
                chunk.bookmark = Some(self.until);
            }
        }
        Some(self.until)
    }

    fn tell_sources(&self, state: &State, filter: &mut Filter, chunk: &mut Chunk) {
        self.tell_aliases(state, filter, chunk);
        for (id, entry) in state.sources.iter() {
            if self.is_snapshot() {
                source(state, chunk, id);
            } else if entry.changed > self.since() {
                source(state, chunk, id);
                not_good_yet(chunk);
            }
        }
        if let Some(since) = self.since {
            for buried in state.catalogue.buried_after(since) {
                match buried {
                    Tombstone::Point(id) if filter.passed(id) => {
                        filter.forget(id);
                        chunk.items.push(Item::Remove(id.0));
                    }
                    Tombstone::Point(_) => {}
                    Tombstone::Source(id) => chunk.items.push(Item::Gone(id.0)),
                }
            }
        }
    }

    /// What stands in for the log is told in another order: what a source's trust is about comes
    /// behind the source, and so the trust comes last. Later changes stand in the log.
    fn tell_trust(&self, state: &State, chunk: &mut Chunk, since: u64) {
        for (id, entry) in state.sources.iter() {
            let is_of_scan = entry.changed > since && entry.changed <= self.until;
            if is_of_scan && entry.own.quality.is_good() {
                chunk.items.push(Item::Status(status_frame(id, entry.own)));
            }
        }
    }

    /// Old names come first, so that a reader knows them when it decides over definitions.
    fn tell_aliases(&self, state: &State, filter: &Filter, chunk: &mut Chunk) {
        for (from, known) in state.aliases.iter() {
            if known.changed() > self.since() || self.is_snapshot() {
                alias(&state.aliases, filter, chunk, from);
            }
        }
        for from in self
            .since
            .iter()
            .flat_map(|&since| state.aliases.gone_after(since))
        {
            alias(&state.aliases, filter, chunk, from);
        }
    }

    fn tell_point(
        &self,
        state: &State,
        filter: &mut Filter,
        chunk: &mut Chunk,
        rows: &mut Vec<RowOut>,
        (id, point): (PointId, &Point),
    ) {
        if !filter.passes(state, id, &point.name) {
            return;
        }
        let lacks = self.common.as_ref().map_or(Lacks::ALL, |common| {
            common.lacks(point.name.as_str(), point.defined > self.until)
        });
        let is_new = self.is_snapshot() || point.defined > self.since();
        if is_new && lacks.definition {
            define(state, filter, chunk, id);
        }
        let slot = &point.slot;
        let is_known = !self.is_snapshot() && slot.sequence <= self.since();
        if slot.sequence == 0 || is_known || !lacks.row {
            return;
        }
        // A source that is told anew behind this has the new epoch here already.
        let place = if self.names_epochs { 0 } else { self.until + 1 };
        let sources = &state.sources;
        rows.push(RowOut {
            id: id.0,
            quality: slot.quality.code(),
            epoch: sources.epoch_to_name(point.source, slot.origin_epoch, place),
            origin: slot.origin,
            time: slot.source_time.micros(),
            value: slot.value.clone(),
        });
    }
}
