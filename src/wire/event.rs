//! Events: what happened at one node and waits for an answer from any node above it.

use mainstem_model::EventId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The feature of a node that carries events and takes answers to them.
pub const FEATURE_EVENTS: &str = "events";
/// Nodes that an event may have passed; its origin included.
pub const EVENT_HOPS_MAX: usize = 9;

/// An event on its way up. It is told once: it stands in no snapshot, and a stream that goes on
/// behind a cursor does not repeat it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventFrame {
    /// Its identity at every node.
    pub id: EventId,
    /// What happened, a name of one or more segments.
    pub kind: String,
    /// What there is to know about it.
    pub data: Box<RawValue>,
    /// How long an answer is still of use, in milliseconds.
    pub remaining_ms: u64,
    /// Who raised it and the nodes that it passed, `<principal>@<node>` first: a claim.
    #[serde(default)]
    pub from: Vec<String>,
}
