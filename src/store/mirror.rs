//! What a link keeps here: the neighbour's sources and datapoints under our numbers, and how far
//! its feed was applied.

use mainstem_model::{Definition, Name, Quality, Value};
use mainstem_wire::{Cursor, Epoch};

use crate::catalogue::Point;
use crate::state::{Moment, State};
use crate::{DefineError, NewSource, PointId, SourceId, Store};

/// A row from a neighbour, in our numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorRow {
    /// Our number of the datapoint.
    pub point: PointId,
    /// Its own quality at the neighbour.
    pub quality: Quality,
    /// The epoch counter of the node at which the sample arose.
    pub epoch: u32,
    /// Its number in the feed of that node.
    pub origin: u64,
    /// Source time in microseconds.
    pub time: i64,
    /// The value; `None` while there has been none.
    pub value: Option<Value>,
}

/// A source that was kept for a link.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorSource {
    /// Its number at the neighbour.
    pub remote_id: u32,
    /// Ours.
    pub id: SourceId,
    /// The epoch that the neighbour told it with.
    pub epoch: Epoch,
}

/// What a link finds when it begins: from a checkpoint, or from before it was lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MirrorState {
    /// How far the neighbour's feed was applied.
    pub cursor: Option<Cursor>,
    /// Its sources.
    pub sources: Vec<MirrorSource>,
    /// Its datapoints: the neighbour's number and ours.
    pub points: Vec<(u32, PointId)>,
}

impl Store {
    /// What is here from a link's neighbour.
    pub fn mirror_state(&self, link: SourceId) -> MirrorState {
        self.read(|state| {
            let subtree = state.sources.subtree(link);
            let sources = subtree.iter().filter_map(|&id| {
                let source = state.sources.get(id)?;
                let remote_id = source.remote_id?;
                Some(MirrorSource {
                    remote_id,
                    id,
                    epoch: source.epoch,
                })
            });
            let of_link = |point: &Point| subtree.binary_search(&point.source).is_ok();
            let points = state
                .catalogue
                .ids_from(0)
                .filter(|(_, point)| of_link(point));
            MirrorState {
                cursor: state.cursors.get(&link).copied(),
                sources: sources.collect(),
                points: points
                    .filter_map(|(id, p)| p.remote_id.map(|r| (r, id)))
                    .collect(),
            }
        })
    }

    /// How far a link's neighbour was applied. Asked for with every chunk of a stream, so it looks
    /// at nothing else.
    pub fn mirror_cursor(&self, link: SourceId) -> Option<Cursor> {
        self.read(|state| state.cursors.get(&link).copied())
    }

    /// A source of the neighbour, new or told again. `is_first_hand` says that it is at the
    /// neighbour itself: then an epoch that is not later than the one known here means that the
    /// node was restored from a backup, and what it says now counts, whatever its numbers. From
    /// further down it may be what the neighbour remembers from before its own restart.
    pub fn put_mirror_source(&self, new: NewSource, is_first_hand: bool) -> SourceId {
        self.change(|state, at| {
            let known = state.sources.find(new.parent, new.node, &new.name);
            let known_epoch = known.and_then(|id| state.sources.get(id)).map(|s| s.epoch);
            let rewound = known_epoch
                .is_some_and(|epoch| new.epoch != epoch && new.epoch.counter <= epoch.counter);
            let mut new = new;
            if rewound && !is_first_hand {
                new.epoch = known_epoch.unwrap_or(new.epoch);
            }
            let id = state.put_source(new, at);
            if rewound && is_first_hand {
                state.forget_origins(id);
            }
            id
        })
    }

    /// A datapoint of the neighbour under its name here.
    pub fn define_mirror(
        &self,
        source: SourceId,
        name: &Name,
        definition: Definition,
        remote_id: u32,
    ) -> Result<PointId, DefineError> {
        self.change(|state, at| state.define(source, name, definition, Some(remote_id), at))
    }

    /// Applies rows of a neighbour and moves the link's cursor in the same step. Drains the rows.
    /// Returns how many were changes.
    pub fn apply_mirror(
        &self,
        link: SourceId,
        rows: &mut Vec<MirrorRow>,
        catchup: bool,
        cursor: Option<Cursor>,
    ) -> usize {
        self.change(|state, at| {
            state.confirm(link, at);
            let changes = state.apply_rows(rows, catchup, at);
            if let Some(cursor) = cursor {
                state.cursors.insert(link, cursor);
            }
            changes
        })
    }

    /// Forgets how far a neighbour was applied, so that a snapshot is asked for.
    pub fn forget_cursor(&self, link: SourceId) {
        self.change(|state, _| {
            state.cursors.remove(&link);
        });
    }
}

impl State {
    fn forget_origins(&mut self, source: SourceId) {
        let bound = self.catalogue.bound();
        for id in 0..bound {
            if let Some(point) = self
                .catalogue
                .get_mut(PointId(id))
                .filter(|p| p.source == source)
            {
                point.slot.origin = 0;
                point.slot.origin_epoch = 0;
            }
        }
        self.forget_variable_stamps(source);
    }
}

impl Moment {
    /// The clocks now.
    pub(crate) fn now(clock: &dyn mainstem_model::Clock) -> Self {
        Self {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }
}
