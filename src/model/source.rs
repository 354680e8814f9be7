//! Where datapoints come from, and what their trust hangs on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Quality, Timestamp};

/// The identity of a node. It lasts as long as the node's role; hardware may be replaced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub uuid::Uuid);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a source is. Roles of newer nodes are carried as [`Role::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The node itself.
    Node,
    /// The link to a remote.
    Link,
    /// An adapter's session.
    Adapter,
    /// A device within an adapter.
    Device,
    /// An API client that provides samples.
    Provider,
    /// Something that a newer node knows.
    #[serde(other)]
    Other,
}

/// The state of one source, beside those of its parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Grade and reason.
    pub quality: Quality,
    /// Since when it is so.
    pub since: Timestamp,
}
