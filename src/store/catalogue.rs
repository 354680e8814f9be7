//! Names, numbers and definitions of datapoints, with their latest samples.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use mainstem_model::{Definition, Name, Quality, Timestamp, Value};

use crate::SourceId;

/// Removed datapoints that the feed remembers; a cursor from before a forgotten one expires.
pub(crate) const TOMBSTONES_MAX: usize = 65_536;

/// Numbers that a checkpoint may bring back; readers take none from 4 Mi on.
const NUMBERS_MAX: usize = 4 * 1024 * 1024;

/// The number of a datapoint at this node. Another definition gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub u32);

/// Why a datapoint cannot be defined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefineError {
    /// Another source has it.
    #[error("{name} already belongs to {owner}: a datapoint has one source")]
    Owned {
        /// The datapoint.
        name: Name,
        /// The path of the source that has it.
        owner: String,
    },
    /// The node is full.
    #[error("{name} is left out: this node holds at most {points_max} datapoints")]
    Full {
        /// The datapoint.
        name: Name,
        /// The limit.
        points_max: usize,
    },
    /// The source was removed meanwhile.
    #[error("the source of {0} is gone")]
    NoSource(Name),
}

/// A datapoint and its latest sample.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) name: Name,
    pub(crate) source: SourceId,
    pub(crate) definition: Arc<Definition>,
    /// The entry that defined it.
    pub(crate) defined: u64,
    /// Its number at the neighbour, for what is replicated.
    pub(crate) remote_id: Option<u32>,
    pub(crate) slot: Slot,
}

/// The latest sample of a datapoint.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) value: Option<Value>,
    pub(crate) source_time: Timestamp,
    pub(crate) received: Timestamp,
    /// The entry of its last change; 0 while there has been none.
    pub(crate) sequence: u64,
    /// Its number in the feed of its origin, within the origin's epoch.
    pub(crate) origin: u64,
    pub(crate) origin_epoch: u32,
    /// Its own quality, before that of its sources.
    pub(crate) quality: Quality,
    /// Since when the quality is so, by this node's clock.
    pub(crate) since: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    points: Vec<Option<Point>>,
    names: BTreeMap<Name, PointId>,
    /// Definitions are shared: a thousand equal ones cost one.
    definitions: HashSet<Interned>,
    tombstones: VecDeque<(u64, Tombstone)>,
    /// The names of removed datapoints, as long as their tombstones stand.
    buried: HashMap<PointId, Name>,
    free: Vec<PointId>,
    /// Cursors before this entry cannot be told what was removed.
    pub(crate) forgotten: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tombstone {
    Point(PointId),
    Source(SourceId),
}

#[derive(Debug)]
struct Interned(Arc<Definition>);

impl PartialEq for Interned {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Interned {}

impl Hash for Interned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Limits are floats, which do not hash; equality looks at them.
        self.0.value_type.hash(state);
        self.0.unit.hash(state);
        self.0.description.hash(state);
        self.0.access.hash(state);
    }
}

impl Catalogue {
    pub(crate) fn get(&self, id: PointId) -> Option<&Point> {
        self.points.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: PointId) -> Option<&mut Point> {
        self.points.get_mut(id.0 as usize)?.as_mut()
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<(PointId, &Point)> {
        // A name that is not valid names nothing.
        let id = *self.names.get(&Name::new(name).ok()?)?;
        self.get(id).map(|point| (id, point))
    }

    /// Whether a path is a datapoint's name, or the beginning of one.
    pub(crate) fn has_at_or_below(&self, path: &Name) -> bool {
        use std::ops::Bound::{Included, Unbounded};
        let below = format!("{path}.");
        let range = (Included(below.as_str()), Unbounded);
        let mut behind = self.names.range::<str, _>(range);
        let first = behind.next().map(|(name, _)| name.as_str());
        self.names.contains_key(path) || first.is_some_and(|name| name.starts_with(&below))
    }

    /// Whether a datapoint has this name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Whether there are names below a path.
    pub(crate) fn has_below(&self, path: &str) -> bool {
        use std::ops::Bound::{Included, Unbounded};
        let below = format!("{path}.");
        self.first_name((Included(below.as_str()), Unbounded))
            .is_some_and(|name| name.as_str().starts_with(&below))
    }

    /// The first name of a range.
    pub(crate) fn first_name<'n>(
        &self,
        range: (std::ops::Bound<&'n str>, std::ops::Bound<&'n str>),
    ) -> Option<&Name> {
        self.names
            .range::<str, _>(range)
            .next()
            .map(|(name, _)| name)
    }

    pub(crate) fn id_of(&self, name: &Name) -> Option<PointId> {
        self.names.get(name).copied()
    }

    /// Numbers given out so far; the bound for scans.
    pub(crate) fn bound(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn ids_from(&self, from: u32) -> impl Iterator<Item = (PointId, &Point)> {
        (from..self.bound()).filter_map(|id| self.get(PointId(id)).map(|p| (PointId(id), p)))
    }

    pub(crate) fn names_after(
        &self,
        after: Option<&Name>,
    ) -> impl Iterator<Item = (PointId, &Point)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.names
            .range::<Name, _>((from, Unbounded))
            .filter_map(|(_, id)| self.get(*id).map(|point| (*id, point)))
    }

    pub(crate) fn intern(&mut self, definition: Definition) -> Arc<Definition> {
        let wanted = Interned(Arc::new(definition));
        if let Some(known) = self.definitions.get(&wanted) {
            return Arc::clone(&known.0);
        }
        let shared = Arc::clone(&wanted.0);
        self.definitions.insert(wanted);
        shared
    }

    pub(crate) fn insert(&mut self, point: Point) -> PointId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.points.push(None);
            PointId(self.bound() - 1)
        });
        self.names.insert(point.name.clone(), id);
        self.points[id.0 as usize] = Some(point);
        id
    }

    /// The same under a number that it had before, if that is free and within bounds.
    pub(crate) fn insert_at(&mut self, wanted: PointId, point: Point) -> PointId {
        let index = wanted.0 as usize;
        if index >= NUMBERS_MAX || self.get(wanted).is_some() {
            return self.insert(point);
        }
        if self.points.len() <= index {
            self.points.resize(index + 1, None);
        }
        self.names.insert(point.name.clone(), wanted);
        self.points[index] = Some(point);
        wanted
    }

    /// Gives out again what no datapoint has: nobody has a cursor from before.
    pub(crate) fn free_unused(&mut self) {
        let unused = |id: &PointId| self.get(*id).is_none();
        self.free = (0..self.bound())
            .rev()
            .map(PointId)
            .filter(unused)
            .collect();
    }

    /// Takes a datapoint out and remembers that at an entry.
    pub(crate) fn remove(&mut self, id: PointId, sequence: u64) -> Option<Point> {
        let point = self.points.get_mut(id.0 as usize)?.take()?;
        if self.names.get(&point.name) == Some(&id) {
            self.names.remove(&point.name);
        }
        self.buried.insert(id, point.name.clone());
        self.bury(Tombstone::Point(id), sequence);
        // A definition that only this datapoint had is dropped, so that flapping definitions
        // leave nothing behind: one reference here, one in the set.
        if Arc::strong_count(&point.definition) == 2 {
            self.definitions
                .remove(&Interned(Arc::clone(&point.definition)));
        }
        Some(point)
    }

    pub(crate) fn bury(&mut self, what: Tombstone, sequence: u64) {
        self.tombstones.push_back((sequence, what));
        while self.tombstones.len() > TOMBSTONES_MAX {
            if let Some((sequence, oldest)) = self.tombstones.pop_front() {
                self.forgotten = sequence;
                // Nobody whose cursor is still valid can mistake the number now.
                if let Tombstone::Point(id) = oldest {
                    self.buried.remove(&id);
                    self.free.push(id);
                }
            }
        }
    }

    /// What a removed datapoint was called.
    pub(crate) fn buried_name(&self, id: PointId) -> Option<&Name> {
        self.buried.get(&id)
    }

    pub(crate) fn buried_after(&self, sequence: u64) -> impl Iterator<Item = Tombstone> {
        self.tombstones
            .iter()
            .filter(move |(at, _)| *at > sequence)
            .map(|(_, what)| *what)
    }
}

impl Slot {
    pub(crate) fn empty(quality: Quality, now: Timestamp) -> Self {
        Self {
            value: None,
            source_time: now,
            received: now,
            sequence: 0,
            origin: 0,
            origin_epoch: 0,
            quality,
            since: now,
        }
    }
}
