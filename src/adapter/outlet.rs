//! Datapoints of the node on their way out of it, for kinds that carry them to a foreign store.

use mainstem_model::{GlobSet, Quality, Timestamp, Value};

use crate::BoxFuture;

/// One sample of a datapoint of this node.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The datapoint's name.
    pub name: std::sync::Arc<str>,
    /// Its value; `None` where there is none under this quality.
    pub value: Option<Value>,
    /// Its own quality, without that of its source.
    pub quality: Quality,
    /// Its source time.
    pub time: Timestamp,
}

/// A place in the node's feed of datapoints. It holds a cursor and no queue: whoever does not read
/// costs nothing, and misses what the feed no longer has.
pub trait Outlet: Send {
    /// Waits for samples and appends them, in their order; first of all the latest of each
    /// datapoint. Returns how many were missed since the last call. Cancel safe.
    fn next<'a>(&'a mut self, out: &'a mut Vec<Outgoing>) -> BoxFuture<'a, u64>;
}

/// Opens outlets. The composition root implements it over the store.
pub trait Outlets: Send + Sync {
    /// One for the datapoints whose names these patterns allow.
    fn open(&self, patterns: &GlobSet) -> Box<dyn Outlet>;
}
