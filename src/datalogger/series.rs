//! Whose samples they are: the identity of a series, everywhere and in this store.

use std::fmt;

use mainstem_model::{Name, NodeId};
use uuid::Uuid;

/// The identity of a logger store. New when the store is created or was restored from elsewhere,
/// unchanged by restarts; row numbers of one log id are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub Uuid);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of a series at every level: who recorded it, in which log, by which logger.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The node that recorded it.
    pub origin: NodeId,
    /// The store in which that node recorded it.
    pub log: LogId,
    /// The logger's name at its origin.
    pub logger: Name,
}

/// What people call a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name at this node.
    pub name: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// What it is.
    pub description: Option<String>,
}

/// The number of a series in one store. It means nothing elsewhere and is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u32);
