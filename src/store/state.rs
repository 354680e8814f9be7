//! Everything behind the store's lock, and the changes that concern sources and definitions.

use std::collections::HashMap;

use mainstem_model::{
    Definition, Monotonic, Name, NodeId, Quality, Reason, SourceStatus, Timestamp, ValueType,
};
use mainstem_wire::{Cursor, Epoch};

use crate::aliases::Aliases;
use crate::catalogue::{Catalogue, Point, Slot, Tombstone};
use crate::log::{Entry, Log};
use crate::sources::Sources;
use crate::variables::Variables;
use crate::{DefineError, NewSource, PointId, SourceId, StoreLimits};

pub(crate) struct State {
    pub(crate) node: NodeId,
    pub(crate) epoch: Epoch,
    pub(crate) limits: StoreLimits,
    pub(crate) sources: Sources,
    pub(crate) catalogue: Catalogue,
    pub(crate) variables: Variables,
    pub(crate) log: Log,
    /// The place up to which each link's neighbour was applied.
    pub(crate) cursors: HashMap<SourceId, Cursor>,
    pub(crate) aliases: Aliases,
    /// Last samples of datapoints that were removed while names change, by their old names.
    pub(crate) kept: Option<HashMap<Name, (ValueType, Slot)>>,
}

/// The clocks at the moment of a change.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    pub(crate) monotonic: Monotonic,
}

impl State {
    pub(crate) fn new(node: NodeId, epoch: Epoch, limits: StoreLimits) -> Self {
        Self {
            node,
            epoch,
            limits,
            sources: Sources::default(),
            catalogue: Catalogue::default(),
            variables: Variables::default(),
            log: Log::new(limits.log_bytes),
            cursors: HashMap::new(),
            aliases: Aliases::default(),
            kept: None,
        }
    }

    /// Adds a source, or finds the one of that name below that parent and brings it up to date.
    pub(crate) fn put_source(&mut self, new: NewSource, at: Moment) -> SourceId {
        let Some(id) = self.sources.find(new.parent, new.node, &new.name) else {
            let id = self.sources.add(new, at.wall, self.log.next());
            self.log.push(Entry::Source(id));
            return id;
        };
        let next = self.log.next();
        let status = SourceStatus {
            quality: new.quality,
            since: at.wall,
        };
        let status_changed = self.sources.set_own(id, status, next, at.monotonic);
        let Some(source) = self.sources.get_mut(id) else {
            return id;
        };
        let same =
            (source.epoch, source.complete, source.role) == (new.epoch, new.complete, new.role);
        source.remote_id = new.remote_id;
        if source.epoch != new.epoch {
            source.epoch_since = next;
        }
        if !same {
            source.epoch = new.epoch;
            source.complete = new.complete;
            source.role = new.role;
            source.changed = next;
        }
        if !same || status_changed {
            self.log.push(Entry::Source(id));
        }
        id
    }

    pub(crate) fn set_status(&mut self, id: SourceId, quality: Quality, at: Moment) -> bool {
        let status = SourceStatus {
            quality,
            since: at.wall,
        };
        let next = self.log.next();
        let changed = self.sources.set_own(id, status, next, at.monotonic);
        if changed {
            self.log.push(Entry::Status(id, status));
        }
        changed
    }

    /// Says whether all datapoints of a source are known. What hangs below it is told again, since
    /// its completeness hangs on this one's.
    pub(crate) fn set_complete(&mut self, id: SourceId, complete: bool) {
        match self.sources.get_mut(id) {
            Some(source) if source.complete != complete => source.complete = complete,
            _ => return,
        }
        for below in self.sources.subtree(id) {
            let next = self.log.next();
            if let Some(source) = self.sources.get_mut(below) {
                source.changed = next;
            }
            self.log.push(Entry::Source(below));
        }
    }

    /// Whether a source and all above it know all their datapoints.
    pub(crate) fn is_complete(&self, id: SourceId) -> bool {
        let mut at = Some(id);
        while let Some(source) = at.and_then(|current| self.sources.get(current)) {
            if !source.complete {
                return false;
            }
            at = source.parent;
        }
        true
    }

    pub(crate) fn define(
        &mut self,
        source: SourceId,
        name: &Name,
        definition: Definition,
        remote_id: Option<u32>,
        at: Moment,
    ) -> Result<PointId, DefineError> {
        if self.sources.get(source).is_none() {
            return Err(DefineError::NoSource(name.clone()));
        }
        let definition = self.catalogue.intern(definition);
        let mut slot = Slot::empty(Quality::of(Reason::Waiting), at.wall);
        if let Some(id) = self.catalogue.id_of(name)
            && let Some(known) = self.catalogue.get_mut(id)
        {
            if known.source != source && !is_move(&self.sources, known, source, remote_id) {
                let (name, owner) = (name.clone(), self.sources.path(known.source));
                return Err(DefineError::Owned { name, owner });
            }
            known.remote_id = remote_id;
            let stays = known.source == source;
            if stays && known.definition == definition {
                return Ok(id);
            }
            // The numbers of one node mean nothing in the feed of another.
            let node = |id| self.sources.get(id).map(|source| source.node);
            let same_node = stays || node(known.source) == node(source);
            if same_node && known.definition.value_type == definition.value_type {
                slot = known.slot.clone();
            }
            self.remove_point(id);
        } else if self.catalogue.len() >= self.limits.points_max {
            let points_max = self.limits.points_max;
            return Err(DefineError::Full {
                name: name.clone(),
                points_max,
            });
        }
        let mut point = Point {
            name: name.clone(),
            source,
            definition,
            defined: 0,
            remote_id,
            slot,
        };
        if point.slot.sequence == 0
            && let Some(slot) = self.sample_of_old_name(&point)
        {
            point.slot = slot;
        }
        Ok(self.insert(point))
    }

    pub(crate) fn insert(&mut self, mut point: Point) -> PointId {
        point.defined = self.log.next();
        // What a value had before its definition changed is told again under the new number.
        if point.slot.sequence > 0 {
            point.slot.sequence = point.defined;
        }
        if let Some(source) = self.sources.get_mut(point.source) {
            source.points += 1;
        }
        let id = self.catalogue.insert(point);
        self.log.push(Entry::Define(id));
        self.tell_again(id);
        id
    }

    fn tell_again(&mut self, id: PointId) {
        let Some(point) = self.catalogue.get(id) else {
            return;
        };
        if point.slot.sequence == 0 {
            return;
        }
        let entry = crate::apply::entry_of(id, &point.slot, true);
        let sequence = self.log.push(Entry::Sample(entry));
        if let Some(point) = self.catalogue.get_mut(id) {
            point.slot.sequence = sequence;
        }
    }

    pub(crate) fn remove_point(&mut self, id: PointId) {
        let sequence = self.log.next();
        let Some(point) = self.catalogue.remove(id, sequence) else {
            return;
        };
        self.keep_for_new_name(&point);
        if let Some(source) = self.sources.get_mut(point.source) {
            source.points = source.points.saturating_sub(1);
        }
        self.log.push(Entry::Remove(id));
    }

    /// Cursors before this entry cannot be told what was removed.
    pub(crate) fn forgotten(&self) -> u64 {
        self.catalogue.forgotten.max(self.variables.forgotten)
    }

    /// Takes a source out, with all below it and all their datapoints and variables.
    pub(crate) fn remove_source(&mut self, id: SourceId, at: Moment) {
        let doomed = self.sources.subtree(id);
        let of_doomed = |source: SourceId| doomed.contains(&source);
        let points: Vec<PointId> = self
            .catalogue
            .ids_from(0)
            .filter(|(_, point)| of_doomed(point.source))
            .map(|(id, _)| id)
            .collect();
        for point in points {
            self.remove_point(point);
        }
        self.take_variables_of(&doomed, |_| false, at);
        for source in doomed.iter().rev() {
            let sequence = self.log.next();
            self.sources.remove(*source);
            self.cursors.remove(source);
            self.remove_aliases_of(*source);
            self.catalogue.bury(Tombstone::Source(*source), sequence);
            self.log.push(Entry::Gone(*source));
        }
    }
}

/// Whether a neighbour tells a datapoint that it told before from another of its sources: then it
/// moved there, or the source has another name now.
fn is_move(sources: &Sources, known: &Point, source: SourceId, remote_id: Option<u32>) -> bool {
    remote_id.is_some()
        && known.remote_id.is_some()
        && top_of(sources, known.source) == top_of(sources, source)
}

fn top_of(sources: &Sources, source: SourceId) -> Option<SourceId> {
    let above = |id: &SourceId| sources.get(*id).and_then(|source| source.parent);
    std::iter::successors(Some(source), above).last()
}
