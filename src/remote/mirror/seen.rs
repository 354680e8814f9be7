//! What a snapshot named. What it did not name is removed, but only where the neighbour knows all
//! there is: its own parts, and sources that it marks as complete.

use std::collections::{HashMap, HashSet};

use mainstem_model::Name;
use mainstem_store::{PointId, SourceId};

use super::Mirror;

#[derive(Default)]
pub(super) struct Seen {
    /// Sources named, and whether they were complete.
    sources: HashMap<SourceId, bool>,
    points: HashSet<PointId>,
    /// Old names, as they are here.
    aliases: HashSet<Name>,
}

impl Seen {
    pub(super) fn source(&mut self, id: SourceId, complete: bool) {
        self.sources.insert(id, complete);
    }

    pub(super) fn point(&mut self, id: PointId) {
        self.points.insert(id);
    }

    pub(super) fn alias(&mut self, from: Name) {
        self.aliases.insert(from);
    }
}

impl Mirror {
    pub(super) fn end_snapshot(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        for id in self.store.subtree(self.link) {
            if id == self.link || seen.sources.contains_key(&id) {
                continue;
            }
            let Some(view) = self.store.source(id) else {
                continue;
            };
            // Its own parts the neighbour always knows; those of others as far as it says so.
            let parent_is_complete = match view.parent {
                Some(parent) if parent == self.link => true,
                Some(parent) => seen.sources.get(&parent).copied().unwrap_or(false),
                None => false,
            };
            if parent_is_complete {
                self.store.remove_source(id);
            }
        }
        let complete: Vec<SourceId> = seen
            .sources
            .iter()
            .filter(|(_, complete)| **complete)
            .map(|(id, _)| *id)
            .collect();
        let mut gone = self.store.points_below(&complete);
        gone.retain(|point| !seen.points.contains(point));
        self.store.remove_points(&gone);
        for from in self.store.aliases_of(self.link) {
            if !seen.aliases.contains(&from) {
                self.store.remove_alias(self.link, &from);
            }
        }
    }
}
