//! GUI variables: texts by name, in a name space of their own. Each hangs on a source, as a
//! datapoint does, and has the number that its text got at its origin, so that nothing goes back.

mod change;
mod own;
mod replicated;
mod saved;
mod tell;
mod view;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use mainstem_model::{Name, Timestamp};

use crate::SourceId;

pub(crate) use tell::{Place, entry as tell};

pub use change::VariableError;
pub use replicated::MirrorVariable;
pub use view::VariableView;

/// Removed variables that the feed remembers; a cursor from before a forgotten one expires.
const GRAVES_MAX: usize = 65_536;
/// Bytes that a variable costs beside its name and its text, about.
const OVERHEAD: usize = 160;

/// Which text of its origin a variable has: the counter of the origin's epoch, and the number in
/// its feed. Zero while that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The counter of the origin's epoch.
    pub epoch: u32,
    /// The number in the origin's feed.
    pub origin: u64,
}

/// A variable as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) value: Arc<str>,
    pub(crate) source: SourceId,
    pub(crate) source_time: Timestamp,
    pub(crate) received: Timestamp,
    /// The entry of its last change.
    pub(crate) sequence: u64,
    pub(crate) stamp: Stamp,
}

/// A variable that is no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grave {
    /// The entry that took it out.
    pub(crate) sequence: u64,
    pub(crate) stamp: Stamp,
    pub(crate) time: Timestamp,
}

/// All variables of a node, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    table: BTreeMap<Name, Variable>,
    bytes: usize,
    graves: HashMap<Name, Grave>,
    /// The graves in the order of their entries.
    buried: BTreeMap<u64, Name>,
    /// Cursors before this entry cannot be told what was removed.
    pub(crate) forgotten: u64,
}

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<(&Name, &Variable)> {
        // A name that is not valid names nothing.
        self.table.get_key_value(&Name::new(name).ok()?)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of all names and texts, with what stands around them.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Variable)> {
        self.table.iter()
    }

    pub(crate) fn after(&self, name: Option<&Name>) -> impl Iterator<Item = (&Name, &Variable)> {
        let from = name.map_or(Unbounded, Excluded);
        self.table.range::<Name, _>((from, Unbounded))
    }

    pub(crate) fn buried_after(&self, sequence: u64) -> impl Iterator<Item = (u64, &Name)> {
        let behind = self.buried.range((Excluded(sequence), Unbounded));
        behind.map(|(at, name)| (*at, name))
    }

    pub(crate) fn grave(&self, name: &Name) -> Option<Grave> {
        self.graves.get(name).copied()
    }

    fn insert(&mut self, name: &Name, variable: Variable) {
        if let Some(grave) = self.graves.remove(name) {
            self.buried.remove(&grave.sequence);
        }
        self.bytes += cost(name, &variable.value);
        if let Some(before) = self.table.insert(name.clone(), variable) {
            self.bytes -= cost(name, &before.value);
        }
    }

    /// Takes a variable out and remembers that. Returns whether it was there.
    fn bury(&mut self, name: &Name, grave: Grave) -> bool {
        let Some(before) = self.table.remove(name) else {
            return false;
        };
        self.bytes -= cost(name, &before.value);
        self.graves.insert(name.clone(), grave);
        self.buried.insert(grave.sequence, name.clone());
        while self.buried.len() > GRAVES_MAX
            && let Some((sequence, oldest)) = self.buried.pop_first()
        {
            self.graves.remove(&oldest);
            self.forgotten = sequence;
        }
        true
    }
}

/// Bytes that a variable counts.
fn cost(name: &Name, value: &str) -> usize {
    name.as_str().len() + value.len() + OVERHEAD
}
