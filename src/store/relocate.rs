//! A link whose prefix changed: what came over it moves to the new names with its values, its
//! origins and its cursor, so that nothing has to be fetched again.

use std::collections::HashMap;

use mainstem_model::{Alias, Name, Role};

use crate::catalogue::Point;
use crate::state::{Moment, State};
use crate::{NewSource, PointId, SourceId, Store};

impl Store {
    /// Moves a link that stopped, with all below it, from one prefix to another. The feed tells new
    /// sources and datapoints, and that the old ones are gone. Returns whether there was such a
    /// link, and none with the new prefix.
    pub fn move_link(&self, from: &Name, to: &Name) -> bool {
        self.change(|state, at| {
            let Some(old) = state.own_link(from) else {
                return false;
            };
            if state.own_link(to).is_some() {
                return false;
            }
            state.move_link(old, (from, to), at);
            true
        })
    }
}

impl State {
    fn own_link(&self, name: &Name) -> Option<SourceId> {
        let id = self.sources.find(None, self.node, name.as_str())?;
        let is_link = self.sources.get(id)?.role == Role::Link;
        is_link.then_some(id)
    }

    fn move_link(&mut self, old: SourceId, (from, to): (&Name, &Name), at: Moment) {
        let mut moved: HashMap<SourceId, SourceId> = HashMap::new();
        for id in self.sources.subtree(old) {
            let Some(source) = self.sources.get(id).cloned() else {
                continue;
            };
            let name = if id == old { to.shared() } else { source.name };
            let new = NewSource {
                parent: source.parent.and_then(|parent| moved.get(&parent).copied()),
                node: source.node,
                name,
                role: source.role,
                epoch: source.epoch,
                quality: source.own.quality,
                complete: source.complete,
                remote_id: source.remote_id,
            };
            let there = self.put_source(new, at);
            if let Some(moved) = self.sources.get_mut(there) {
                moved.told = source.told;
            }
            moved.insert(id, there);
        }
        let points: Vec<PointId> = self
            .catalogue
            .ids_from(0)
            .filter(|(_, point)| moved.contains_key(&point.source))
            .map(|(id, _)| id)
            .collect();
        for id in points {
            self.move_point(id, &moved, (from, to));
        }
        if let (Some(cursor), Some(new)) = (self.cursors.get(&old).copied(), moved.get(&old)) {
            self.cursors.insert(*new, cursor);
        }
        self.move_variables(&moved, (from, to), at);
        self.move_aliases(old, &moved, (from, to));
        self.remove_source(old, at);
    }

    fn move_point(
        &mut self,
        id: PointId,
        moved: &HashMap<SourceId, SourceId>,
        (from, to): (&Name, &Name),
    ) {
        let Some(point) = self.catalogue.get(id).cloned() else {
            return;
        };
        let (Some(source), Some(name)) = (moved.get(&point.source), point.name.moved(from, to))
        else {
            return;
        };
        if self.catalogue.id_of(&name).is_none() {
            self.insert(Point {
                name,
                source: *source,
                ..point
            });
        }
    }

    fn move_aliases(
        &mut self,
        old: SourceId,
        moved: &HashMap<SourceId, SourceId>,
        (from, to): (&Name, &Name),
    ) {
        let Some(new) = moved.get(&old).copied() else {
            return;
        };
        let known: Vec<_> = self.aliases.of_link(old);
        for name in known {
            let leads = self
                .aliases
                .get(name.as_str())
                .map(|known| known.to.clone());
            let leads = leads.and_then(|leads| leads.moved(from, to));
            let pair = name.moved(from, to).zip(leads);
            // Below the new prefix it is as right as it was below the old one, so it has a place.
            let Some((from, to)) = pair else { continue };
            if self.put_alias(new, &Alias { from, to }).is_err() {
                return;
            }
        }
    }
}
