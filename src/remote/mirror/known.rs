//! What is known of a neighbour: its sources and datapoints by its own numbers, and what the store
//! still has of them when a mirror begins.

use std::collections::HashMap;

use mainstem_model::{Quality, Reason, Role, ValueType};
use mainstem_store::{PointId, SourceId};

use super::Mirror;

/// A source of the neighbour, by its number there.
#[derive(Clone, Copy)]
pub(super) struct Mapped {
    pub(super) id: SourceId,
    /// The epoch counter that the neighbour told it with; rows refer to it.
    pub(super) epoch: u32,
    /// The counter as it was told: less than the other if the node was put back to an earlier
    /// state.
    pub(super) lifted_from: u32,
    /// The state that the neighbour told, beside what the silence of its links says.
    pub(super) told: Quality,
    /// Links between here and it, this one included.
    pub(super) depth: usize,
}

/// A datapoint of the neighbour, by its number there.
#[derive(Clone, Copy)]
pub(super) struct MappedPoint {
    pub(super) id: PointId,
    pub(super) value_type: ValueType,
    /// Its source's number at the neighbour.
    pub(super) source: u32,
}

impl Mirror {
    /// Takes up what is below the link in the store, from before.
    pub(super) fn take_up(&mut self) {
        let state = self.store.mirror_state(self.link);
        let mut numbers: HashMap<SourceId, u32> = HashMap::new();
        for source in &state.sources {
            let Some(view) = self.store.source(source.id) else {
                continue;
            };
            numbers.insert(source.id, source.remote_id);
            // Perhaps only suspected here, and the neighbour does not tell again what did not change.
            if view.role == Role::Link && view.own.quality == Quality::of(Reason::LinkQuiet) {
                self.store.forget_cursor(self.link);
            }
            let depth = self.depth_of(view.parent);
            let (epoch, told) = (source.counter(), view.own.quality);
            if source.is_doubted() {
                self.lives.doubt(source.remote_id);
            }
            self.sources.insert(
                source.remote_id,
                Mapped {
                    id: source.id,
                    epoch,
                    lifted_from: source.told.counter,
                    told,
                    depth,
                },
            );
        }
        for (remote_id, id) in state.points {
            let Some(view) = self.store.point_by_id(id) else {
                continue;
            };
            let Some(&source) = numbers.get(&view.source) else {
                continue;
            };
            let value_type = view.definition.value_type;
            self.keep(
                remote_id,
                MappedPoint {
                    id,
                    value_type,
                    source,
                },
            );
        }
    }

    fn depth_of(&self, parent: Option<SourceId>) -> usize {
        let above = self
            .sources
            .values()
            .find(|mapped| Some(mapped.id) == parent);
        above.map_or(1, |mapped| mapped.depth)
    }
}
