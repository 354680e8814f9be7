//! The tree of sources. A source's effective state is the worst of its own and its parents'.

use std::sync::Arc;

use mainstem_model::{Monotonic, NodeId, Quality, Role, SourceStatus, Timestamp};
use mainstem_wire::{Epoch, SourceFrame, StatusFrame};

/// The number of a source at this node; never used twice in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// What is needed to add a source.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// What its trust hangs on beside itself.
    pub parent: Option<SourceId>,
    /// The node at which it is.
    pub node: NodeId,
    /// Its name there.
    pub name: Arc<str>,
    /// What it is.
    pub role: Role,
    /// The epoch of that node.
    pub epoch: Epoch,
    /// Its state to begin with.
    pub quality: Quality,
    /// Whether all its datapoints are known.
    pub complete: bool,
    /// Its number at the neighbour, for what is replicated.
    pub remote_id: Option<u32>,
}

/// One source in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) parent: Option<SourceId>,
    pub(crate) node: NodeId,
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    pub(crate) epoch: Epoch,
    /// The entry that told this epoch first.
    pub(crate) epoch_since: u64,
    /// The epoch that the neighbour told, for what is replicated.
    pub(crate) told: Epoch,
    pub(crate) complete: bool,
    pub(crate) remote_id: Option<u32>,
    pub(crate) own: SourceStatus,
    /// The worst of the chain, and the source that it comes from.
    pub(crate) effective: SourceStatus,
    pub(crate) at_fault: SourceId,
    pub(crate) confirmed: Monotonic,
    /// When its effective state was last good; 0 while that is not known.
    pub(crate) good_until: Monotonic,
    /// The entry of its last change.
    pub(crate) changed: u64,
    /// Datapoints that hang on it directly.
    pub(crate) points: u32,
}

/// A source as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceView {
    /// Its number.
    pub id: SourceId,
    /// Its parent's number.
    pub parent: Option<SourceId>,
    /// The node at which it is.
    pub node: NodeId,
    /// Its name there.
    pub name: Arc<str>,
    /// What it is.
    pub role: Role,
    /// Its own state.
    pub own: SourceStatus,
    /// The worst of its own and its parents' states.
    pub effective: SourceStatus,
    /// Datapoints that hang on it directly.
    pub points: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Sources {
    entries: Vec<Option<Source>>,
}

impl Sources {
    pub(crate) fn get(&self, id: SourceId) -> Option<&Source> {
        self.entries.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: SourceId) -> Option<&mut Source> {
        self.entries.get_mut(id.0 as usize)?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| {
                let id = SourceId(u32::try_from(index).ok()?);
                entry.as_ref().map(|source| (id, source))
            })
    }

    pub(crate) fn add(&mut self, new: NewSource, now: Timestamp, changed: u64) -> SourceId {
        let id = SourceId(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        let status = SourceStatus {
            quality: new.quality,
            since: now,
        };
        self.entries.push(Some(Source {
            parent: new.parent,
            node: new.node,
            name: new.name,
            role: new.role,
            epoch: new.epoch,
            epoch_since: changed,
            told: new.epoch,
            complete: new.complete,
            remote_id: new.remote_id,
            own: status,
            effective: status,
            at_fault: id,
            confirmed: Monotonic::default(),
            good_until: Monotonic::default(),
            changed,
            points: 0,
        }));
        self.refresh(id, Monotonic::default());
        id
    }

    pub(crate) fn remove(&mut self, id: SourceId) -> Option<Source> {
        self.entries.get_mut(id.0 as usize)?.take()
    }

    /// A source with a name below a parent.
    pub(crate) fn find(
        &self,
        parent: Option<SourceId>,
        node: NodeId,
        name: &str,
    ) -> Option<SourceId> {
        self.iter()
            .find(|(_, s)| s.parent == parent && s.node == node && &*s.name == name)
            .map(|(id, _)| id)
    }

    /// The epoch counter that a row has to name where it is told at a place of the feed: none if
    /// whoever is at that place was told its source with it.
    pub(crate) fn epoch_to_name(&self, id: SourceId, counter: u32, place: u64) -> Option<u32> {
        let was_told =
            |source: &Source| source.epoch.counter == counter && source.epoch_since < place;
        (!self.get(id).is_some_and(was_told)).then_some(counter)
    }

    /// Sets a source's own state; returns whether that changed anything.
    pub(crate) fn set_own(
        &mut self,
        id: SourceId,
        status: SourceStatus,
        changed: u64,
        now: Monotonic,
    ) -> bool {
        let Some(source) = self.get_mut(id) else {
            return false;
        };
        if source.own.quality == status.quality {
            return false;
        }
        source.own = status;
        source.changed = changed;
        self.refresh(id, now);
        true
    }

    /// Works out the effective state of a source and of all below it. Children have larger numbers
    /// than their parents, so one pass in order of numbers is enough.
    fn refresh(&mut self, from: SourceId, now: Monotonic) {
        for index in from.0 as usize..self.entries.len() {
            let Some(source) = self.entries[index].as_ref() else {
                continue;
            };
            let above = source.parent.and_then(|parent| self.get(parent));
            let (effective, at_fault) = match above {
                Some(parent)
                    if parent.effective.quality.status >= source.own.quality.status
                        && !parent.effective.quality.is_good() =>
                {
                    (parent.effective, parent.at_fault)
                }
                // Good since all of the chain is.
                Some(parent) if source.own.quality.is_good() => {
                    let since = source.own.since.max(parent.effective.since);
                    let status = SourceStatus {
                        since,
                        ..source.own
                    };
                    (status, SourceId(u32::try_from(index).unwrap_or(u32::MAX)))
                }
                _ => (
                    source.own,
                    SourceId(u32::try_from(index).unwrap_or(u32::MAX)),
                ),
            };
            if let Some(source) = self.entries[index].as_mut() {
                if source.effective.quality.is_good() && !effective.quality.is_good() {
                    source.good_until = now;
                }
                source.effective = effective;
                source.at_fault = at_fault;
            }
        }
    }

    /// Whether a source is another one or hangs below it.
    pub(crate) fn is_below(&self, id: SourceId, root: SourceId) -> bool {
        let mut at = Some(id);
        while let Some(current) = at {
            if current == root {
                return true;
            }
            at = self.get(current).and_then(|source| source.parent);
        }
        false
    }

    /// All sources at or below one, in order of numbers.
    pub(crate) fn subtree(&self, root: SourceId) -> Vec<SourceId> {
        self.iter()
            .filter(|(id, _)| self.is_below(*id, root))
            .map(|(id, _)| id)
            .collect()
    }

    /// The names from the top down to a source, joined by dots: `plant1.line1.plc1`.
    pub(crate) fn path(&self, id: SourceId) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut at = Some(id);
        while let Some(source) = at.and_then(|current| self.get(current)) {
            if source.role != Role::Node {
                names.push(&source.name);
            }
            at = source.parent;
        }
        names.reverse();
        names.join(".")
    }

    pub(crate) fn view(&self, id: SourceId) -> Option<SourceView> {
        let source = self.get(id)?;
        Some(SourceView {
            id,
            parent: source.parent,
            node: source.node,
            name: Arc::clone(&source.name),
            role: source.role,
            own: source.own,
            effective: source.effective,
            points: source.points,
        })
    }
}

impl Source {
    pub(crate) fn frame(&self, id: SourceId) -> SourceFrame {
        SourceFrame {
            id: id.0,
            parent: self.parent.map(|parent| parent.0),
            node: self.node,
            name: self.name.to_string(),
            role: self.role,
            epoch: self.epoch,
            complete: self.complete,
            status: self.own.quality.status,
            reason: self.own.quality.reason,
            since: self.own.since,
        }
    }
}

pub(crate) fn status_frame(id: SourceId, status: SourceStatus) -> StatusFrame {
    StatusFrame {
        id: id.0,
        status: status.quality.status,
        reason: status.quality.reason,
        since: status.since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstem_model::Reason;

    fn new(parent: Option<SourceId>, name: &str) -> NewSource {
        NewSource {
            parent,
            node: NodeId(uuid::Uuid::nil()),
            name: name.into(),
            role: Role::Link,
            epoch: Epoch::default(),
            quality: Quality::GOOD,
            complete: true,
            remote_id: None,
        }
    }

    #[test]
    fn the_worst_of_the_chain_counts() {
        let mut sources = Sources::default();
        let now = Timestamp::default();
        let plant = sources.add(new(None, "plant1"), now, 1);
        let line = sources.add(new(Some(plant), "line1"), now, 2);
        let plc = sources.add(new(Some(line), "plc1"), now, 3);
        let other = sources.add(new(Some(plant), "line2"), now, 4);
        let down = SourceStatus {
            quality: Quality::of(Reason::LinkDown),
            since: now,
        };
        assert!(sources.set_own(line, down, 5, Monotonic::default()));
        assert!(
            !sources.set_own(line, down, 6, Monotonic::default()),
            "the same again is no change"
        );
        let seen = sources.get(plc).unwrap();
        assert_eq!(
            (seen.effective.quality, seen.at_fault),
            (down.quality, line)
        );
        assert_eq!(sources.path(line), "plant1.line1");
        assert!(sources.get(other).unwrap().effective.quality.is_good());
        let quiet = SourceStatus {
            quality: Quality::of(Reason::LinkQuiet),
            since: now,
        };
        sources.set_own(plant, quiet, 7, Monotonic::default());
        assert_eq!(
            sources.get(plc).unwrap().at_fault,
            line,
            "the worse one is at fault"
        );
        assert_eq!(sources.get(other).unwrap().at_fault, plant);
        let good = SourceStatus {
            quality: Quality::GOOD,
            since: now,
        };
        sources.set_own(plant, good, 8, Monotonic::default());
        sources.set_own(line, good, 9, Monotonic::default());
        assert!(sources.get(plc).unwrap().effective.quality.is_good());
        let later = SourceStatus {
            quality: Quality::GOOD,
            since: Timestamp::from_micros(5),
        };
        sources.set_own(plant, quiet, 10, Monotonic::default());
        sources.set_own(plant, later, 11, Monotonic::default());
        let seen = sources.get(plc).unwrap().effective;
        assert_eq!(seen.since, later.since, "good since the link is good again");
    }
}
