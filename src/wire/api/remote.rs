//! Remotes and the links to them.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RemoteLoggersDocument;

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
    /// `connecting snapshot replaying live degraded waiting refused paused resting`.
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
    /// What comes next: what happens by itself, or what somebody has to do; a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Entries of the remote's feed that are not applied here yet.
    pub lag: Option<u64>,
    /// How long ago the remote had the oldest state that is not applied here yet, in seconds, by
    /// this node's monotonic clock; 0 if everything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
    /// An estimate of the bytes that are still to come: `lag` times the bytes of a row in this
    /// stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_bytes: Option<u64>,
    /// Seconds since anything came from it.
    pub heard: Option<f64>,
    /// Its clock against ours.
    pub clock: Option<ClockDocument>,
    /// The proof that values flow: how long ago its canary last changed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryDocument>,
    /// The nodes from the remote down that this node reads through it, in the order of their
    /// prefixes, each with how it stands. Only in the answer about one remote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<PathHop>,
    /// The tunnels that wait, if the remote dials up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnels: Option<Vec<TunnelDocument>>,
    /// How its data loggers are replicated, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loggers: Option<RemoteLoggersDocument>,
    /// What the link brought.
    pub mirror: MirrorDocument,
}

/// A connection that a remote opened and that no link uses yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TunnelDocument {
    /// Where it was dialled from: address and port.
    pub from: String,
    /// The name of the token that it was dialled with.
    pub token: String,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// Who is behind a link.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemoteNode {
    /// The node's UUID.
    pub id: String,
    /// Its own name.
    pub name: String,
}

/// A remote's wall clock against that of the node that reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClockDocument {
    /// Seconds; positive if the remote is ahead.
    pub offset: f64,
    /// How wrong that can be, in seconds.
    pub uncertainty: f64,
    /// `ok`, `off` from 1 s on, `too_far` from the `drift` of the remote entry on. Not there if an
    /// older node measures it and does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The age of a node's canary, a datapoint that changes as long as the node runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CanaryDocument {
    /// Seconds since its last change was applied here, by this node's monotonic clock.
    pub age: f64,
    /// From this age on it is late, in seconds.
    pub limit: f64,
    /// Whether it is late although the link says that all is well.
    pub late: bool,
}

/// A node on the way down, seen from the node that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PathHop {
    /// The node's UUID, once it told who it is.
    pub id: Option<String>,
    /// Its own name, once it told.
    pub name: Option<String>,
    /// What it is: `concentrator`, `adapters`, `providers`.
    pub roles: Vec<String>,
    /// What stands before its names here; the path of links to it.
    pub prefix: String,
    /// How the link to it stands; `unknown` behind one that is cut.
    pub state: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Entries not applied yet; known of this node's own link only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Its canary, measured here, through all links between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryDocument>,
}

/// What a link brought since the start.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct MirrorDocument {
    /// Snapshots begun.
    pub snapshots: u64,
    /// Those of them that left out what was the same here.
    #[serde(default)]
    pub digest_resyncs: u64,
    /// Datapoints that these left out.
    #[serde(default)]
    pub same: u64,
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
    /// Bytes of its streams, as they came over the line.
    #[serde(default)]
    pub bytes: u64,
    /// Rows per second, a mean over the last seconds.
    #[serde(default)]
    pub row_rate: f64,
    /// Events that were carried up.
    #[serde(default)]
    pub events: u64,
    /// Events that were not: too many wait, too large, or too far.
    #[serde(default)]
    pub events_refused: u64,
}
