//! What an entry of the log is to a reader: the frame or row that tells it, if it is told at all.

use std::sync::Arc;

use mainstem_model::{Quality, Reason, Status};
use mainstem_wire::{DefineFrame, RowOut};

use super::{Delivery, Reader};
use crate::catalogue::Point;
use crate::chunk::{Chunk, Item};
use crate::log::{Entry, SampleEntry};
use crate::renamed::alias;
use crate::sources::status_frame;
use crate::state::State;
use crate::{Filter, PointId, SourceId, variables};

impl Reader {
    pub(super) fn entry(&mut self, state: &State, chunk: &mut Chunk, sequence: u64, entry: &Entry) {
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
