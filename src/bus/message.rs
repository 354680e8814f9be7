//! Messages, as they are published and as they arrive.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use uuid::Uuid;

use crate::Topic;

/// How sure it is that a message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[expect(clippy::enum_variant_names, reason = "the words of the standard")]
pub enum Qos {
    /// At most once.
    #[default]
    AtMostOnce,
    /// At least once.
    AtLeastOnce,
    /// Exactly once.
    ExactlyOnce,
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where to.
    pub topic: Topic,
    /// What.
    pub payload: Bytes,
    /// How surely.
    pub qos: Qos,
    /// Whether the broker keeps it for whoever subscribes later. An empty payload takes a kept
    /// message away.
    pub retain: bool,
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was published.
    pub topic: Topic,
    /// What.
    pub payload: Bytes,
    /// How surely it came.
    pub qos: Qos,
    /// It was kept by the broker from before the subscription: it tells how things were, and
    /// nobody just said it.
    pub retained: bool,
    /// The node that published it, where a node did and the broker carries it (MQTT 5).
    pub origin: Option<Uuid>,
    /// Who published it, where the broker knows: the name of a principal. A foreign broker never
    /// says it.
    pub publisher: Option<Arc<str>>,
    /// When it arrived here.
    pub arrived: Instant,
}
