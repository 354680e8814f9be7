//! What a bus does, whichever broker it is.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{Publication, Subscription, TopicFilter};

/// A bus: messages by topic, to everybody who subscribed.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Publishes a message. Above QoS 0 it returns when the broker has acknowledged it; at QoS 0
    /// when it is on its way. While the broker is away it fails at once: nothing is kept here.
    async fn publish(&self, publication: Publication) -> Result<(), PublishError>;

    /// Subscribes to all filters, and returns when the broker has granted them: no message
    /// published after that is missed. A message that fits several filters comes once. At most
    /// `capacity` messages wait; what comes beyond them is dropped and counted. The subscription
    /// outlasts outages of the broker, and ends when it is dropped.
    async fn subscribe(
        &self,
        filters: &[TopicFilter],
        capacity: usize,
    ) -> Result<Subscription, SubscribeError>;

    /// Whether the broker can be reached, now and in future.
    fn state(&self) -> watch::Receiver<BusState>;
}

/// Whether the broker can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusState {
    /// It can.
    Up,
    /// It cannot.
    Down(Outage),
}

/// Why the broker cannot be reached, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The cause, for people.
    pub cause: Arc<str>,
    /// Since when.
    pub since: Instant,
}

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The broker cannot be reached, or the connection broke before it acknowledged: then the
    /// message may have been published or not.
    #[error("the bus is away: {0}")]
    Away(Arc<str>),
    /// The broker does not take it.
    #[error("the broker refused the message: {0}")]
    Refused(Arc<str>),
    /// The message is larger than the broker takes.
    #[error("the message has {bytes} bytes; the bus takes at most {max}")]
    TooLarge {
        /// Its size, in bytes.
        bytes: usize,
        /// The most that is taken, in bytes.
        max: usize,
    },
    /// As many messages as may be are on their way without an acknowledgement.
    #[error("too many messages wait for their acknowledgement")]
    Busy,
}

/// Why a subscription was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The broker cannot be reached.
    #[error("the bus is away: {0}")]
    Away(Arc<str>),
    /// The broker does not grant it.
    #[error("the broker refused the filter {filter}: {cause}")]
    Refused {
        /// Which filter.
        filter: TopicFilter,
        /// Why, as the broker says it.
        cause: Arc<str>,
    },
}
