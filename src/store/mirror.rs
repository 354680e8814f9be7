//! What a link keeps here: the neighbour's sources and datapoints under our numbers, and how far
//! its feed was applied.

use mainstem_model::{Definition, Name, Quality, Reason, Value};
use mainstem_wire::{Cursor, Epoch};

use crate::catalogue::Point;
use crate::log::Entry;
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
    /// The epoch that it has here.
    pub epoch: Epoch,
    /// The epoch that the neighbour told it with.
    pub told: Epoch,
}

impl MirrorSource {
    /// Whether its epoch was told and is not believed.
    pub fn is_doubted(&self) -> bool {
        is_doubted(self.epoch, self.told)
    }

    /// The epoch counter that its rows get here, where they name none.
    pub fn counter(&self) -> u32 {
        match self.is_doubted() {
            true => self.told.counter,
            false => self.epoch.counter,
        }
    }
}

/// An epoch that was believed has its random bits here, with whatever counter.
fn is_doubted(here: Epoch, told: Epoch) -> bool {
    here.random != told.random
}

/// What became of a source that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldSource {
    /// Its number here.
    pub id: SourceId,
    /// The epoch counter that its rows get here, where they name none.
    pub counter: u32,
    /// Its node was put back to an earlier state; the epoch that was known before.
    pub rewound: Option<Epoch>,
    /// The neighbour told an earlier epoch than the one known here, and not first hand.
    pub is_doubted: bool,
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
                    told: source.told,
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
    /// node was put back to an earlier state. Its epoch is lifted over the known one, here and for
    /// all who read this node, so that what it says from now on is newer everywhere; what it
    /// remembers of its earlier lives stays older than what is here. From further down an earlier
    /// epoch may be what the neighbour remembers from before its own restart, and is not believed
    /// until the neighbour vouches for it ([`Store::believe`]).
    pub fn put_mirror_source(&self, new: NewSource, is_first_hand: bool) -> ToldSource {
        self.change(|state, at| {
            let known = state.sources.find(new.parent, new.node, &new.name);
            let known = known.and_then(|id| state.sources.get(id)).map(|s| s.epoch);
            let told = new.epoch;
            let mut new = new;
            let mut rewound = None;
            let mut counter = told.counter;
            match known.filter(|known| *known != told && told.counter <= known.counter) {
                // The same life, which was lifted before.
                Some(known) if known.random == told.random => {
                    new.epoch = known;
                    counter = known.counter;
                }
                Some(known) if is_first_hand => {
                    counter = known.counter.saturating_add(1);
                    new.epoch.counter = counter;
                    rewound = Some(known);
                }
                Some(known) => new.epoch = known,
                None => {}
            }
            let id = state.put_source(new, at);
            if rewound.is_some() {
                state.distrust(id, at);
            }
            let mut is_doubted_here = false;
            if let Some(source) = state.sources.get_mut(id) {
                source.told = told;
                is_doubted_here = is_doubted(source.epoch, told);
            }
            ToldSource {
                id,
                counter,
                rewound,
                is_doubted: is_doubted_here,
            }
        })
    }

    /// The neighbour vouches for a source whose epoch was doubted: the links on the way to it are
    /// good there, so this is no memory of an earlier life but a node that was put back, and by
    /// whom it could have been noticed has forgotten what it was. Its epoch is lifted as if it had
    /// been told first hand. Returns whether it was doubted.
    pub fn believe(&self, id: SourceId) -> bool {
        self.change(|state, at| {
            let next = state.log.next();
            let Some(source) = state.sources.get_mut(id) else {
                return false;
            };
            if !is_doubted(source.epoch, source.told) {
                return false;
            }
            let counter = source.epoch.counter.saturating_add(1);
            source.epoch = Epoch {
                counter,
                random: source.told.random,
            };
            (source.epoch_since, source.changed) = (next, next);
            state.log.push(Entry::Source(id));
            state.distrust(id, at);
            true
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
    /// What a source said before it was put back is not vouched for any more; that is told to who
    /// reads this node. Points further down are told by their own nodes.
    fn distrust(&mut self, source: SourceId, at: Moment) {
        let restarted = Quality::of(Reason::Restarted);
        for id in (0..self.catalogue.bound()).map(PointId) {
            let next = self.log.next();
            let Some(point) = self.catalogue.get_mut(id) else {
                continue;
            };
            let slot = &mut point.slot;
            if point.source != source || slot.sequence == 0 || !slot.quality.is_good() {
                continue;
            }
            slot.quality = restarted;
            slot.since = at.wall;
            slot.sequence = next;
            let entry = crate::apply::entry_of(id, slot, true);
            self.log.push(Entry::Sample(entry));
        }
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
