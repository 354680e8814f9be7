//! The tree of nodes as one of them sees it.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CanaryDocument, ClockDocument, MetaDocument, Page};

/// The tree as this node sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TopologyDocument {
    /// The life of this node's feed and `topotime`: equal texts mean an equal tree.
    pub version: String,
    /// The place in this node's feed of the last change of the tree: a node, link, adapter,
    /// device or datapoint that came or went, or a state that changed. Values are no change of it.
    pub topotime: u64,
    /// The node that answers.
    #[schema(format = "uuid")]
    pub node: String,
    /// Every node, this one first.
    pub nodes: Vec<NodeEntry>,
    /// Every link, this node's own and those further down.
    pub links: Vec<LinkEntry>,
    /// Every adapter of every node.
    pub adapters: Vec<SourceEntry>,
    /// Every device behind an adapter.
    pub devices: Vec<SourceEntry>,
    /// What else datapoints come from: clients that provide them, and the nodes themselves.
    pub others: Vec<SourceEntry>,
    /// The datapoints, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints: Option<Page<PointEntry>>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeEntry {
    /// Its UUID.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its own name, a label only.
    pub name: String,
    /// What stands before its names here; empty for this node.
    pub prefix: String,
    /// What it does: `adapters`, `concentrator`, `providers`, as far as its tree tells.
    pub roles: Vec<String>,
    /// The nodes from this one to it.
    pub path: Vec<PathNode>,
}

/// A node on a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PathNode {
    /// Its UUID.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its own name.
    pub name: String,
}

/// The state of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateEntry {
    /// `good`, `uncertain` or `bad`: the worst of its own and of all above it.
    pub status: String,
    /// Why.
    pub reason: String,
    /// The path of the source at fault, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// Since when it is so, by this node's clock.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LinkEntry {
    /// Its number as a source at this node.
    pub source: u32,
    /// The number of the link that it comes over; not there if it is this node's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// What stands before the names that come over it, seen from this node.
    pub prefix: String,
    /// The node that dials or reads it.
    #[schema(format = "uuid")]
    pub from: String,
    /// The node behind it, once it told who it is.
    #[schema(format = "uuid")]
    pub to: Option<String>,
    /// The nodes from this one to the one behind it.
    pub path: Vec<PathNode>,
    /// Of an own link `connecting snapshot replaying live degraded waiting refused paused
    /// resting`. Of one further down what its source tells, and `unknown` behind a link that is
    /// cut: what was told last need not be so any more.
    pub state: String,
    /// Why, where it is not live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Since when it is in this state.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the next try is due, of an own link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_try: Option<Timestamp>,
    /// What comes next: what happens by itself, or what somebody has to do; a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Entries of the remote's feed that are not applied yet, of an own link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// The age of what is not applied yet in seconds, of an own link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
    /// The canary of the node behind it, measured here through all links between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryDocument>,
    /// The clock behind it against that of the node that reads it, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockDocument>,
    /// What it means for the datapoints behind it.
    pub quality: StateEntry,
    /// Datapoints behind it, all levels counted.
    pub datapoints: u64,
}

/// An adapter, a device, or whatever else datapoints hang on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceEntry {
    /// Its number at this node; datapoints refer to it.
    pub source: u32,
    /// The number of the source that it hangs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The node at which it is.
    #[schema(format = "uuid")]
    pub node: String,
    /// `node`, `adapter`, `device`, `provider` or what a newer node knows.
    pub role: String,
    /// Its name at its node.
    pub name: String,
    /// Its path of names, seen from this node.
    pub path: String,
    /// How it stands.
    #[serde(flatten)]
    pub state: StateEntry,
    /// Datapoints that hang on it directly.
    pub datapoints: u64,
}

/// One datapoint of the tree.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PointEntry {
    /// Its name at this node.
    pub name: String,
    /// The number of its source.
    pub source: u32,
    /// What it is.
    pub meta: MetaDocument,
}
