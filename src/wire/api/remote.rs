//! Remotes and the links to them.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One remote at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemoteDocument {
    /// Its name here.
    pub name: String,
    /// What stands before its names here.
    pub prefix: String,
    /// The node that answered, once it did.
    pub node: Option<RemoteNode>,
    /// The route in use or tried last.
    pub address: String,
    /// `connecting snapshot replaying live degraded waiting refused paused`.
    pub state: String,
    /// Why, where it is not live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Since when it is in this state.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the next try is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
    /// Entries of the remote's feed that are not applied here yet.
    pub lag: Option<u64>,
    /// Seconds since anything came from it.
    pub heard: Option<f64>,
    /// Its clock against ours.
    pub clock: Option<ClockDocument>,
    /// What the link brought.
    pub mirror: MirrorDocument,
}

/// Who is behind a link.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemoteNode {
    /// The node's UUID.
    pub id: String,
    /// Its own name.
    pub name: String,
}

/// A remote's wall clock against ours.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClockDocument {
    /// Seconds; positive if the remote is ahead.
    pub offset: f64,
    /// How wrong that can be, in seconds.
    pub uncertainty: f64,
}

/// What a link brought since the start.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct MirrorDocument {
    /// Snapshots begun.
    pub snapshots: u64,
    /// Streams that went on behind a cursor.
    pub resumes: u64,
    /// How often somebody asked to begin again with a snapshot.
    #[serde(default)]
    pub resyncs: u64,
    /// Rows that arrived.
    pub rows: u64,
    /// Rows that were changes here.
    pub changes: u64,
    /// Entries that the remote had evicted or conflated.
    pub missed: u64,
    /// Datapoints left out.
    pub left_out: u64,
    /// Why the last one was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_left_out: Option<String>,
    /// Sources pruned because they came from this node or too far.
    pub looped: u64,
    /// Values that did not have their declared type.
    pub bad_values: u64,
    /// Aliases of the remote left out: circles, too many, no valid names.
    #[serde(default)]
    pub aliases_left_out: u64,
    /// Events that were carried up.
    #[serde(default)]
    pub events: u64,
    /// Events that were not: too many wait, too large, or too far.
    #[serde(default)]
    pub events_refused: u64,
}
