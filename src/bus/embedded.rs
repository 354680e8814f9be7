//! The broker of our own, in process: the node's own messages need no socket, and without a
//! listener nobody else's come.

mod broker;
mod census;
mod counters;
mod door;
mod frames;
mod gate;
mod guard;
mod inlet;
mod limits;
mod listener;
mod local;
#[cfg(test)]
mod tests;
mod websocket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mqtt5::packet::publish::PublishPacket;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Bus, BusState, Outage, Publication, PublishError, Qos, SubscribeError, Subscription,
    TopicFilter,
};
use broker::Broker;
pub use counters::BrokerCounts;
pub use gate::{Breach, Gate, Guest, Login, NotAdmitted, Refused};
pub use inlet::{ListenError, Listening};
pub use limits::{
    CLIENT_ID_BYTES_MAX, CONNECT_BYTES_MAX, FILTERS_MAX, HANDSHAKE_TIME, LANE_MESSAGES, Limits,
    OWN_CLIENTS, QUEUE_MESSAGES_MAX, RECEIVE_MAX, REFUSALS_TOLD_MAX, RIGHTS_AGE,
    SESSION_EXPIRY_MAX, SUBSCRIPTIONS_MAX, TOPIC_ALIAS_MAX,
};
pub use listener::{Inlet, Transport};

/// The user property that names the node which published a message.
pub(crate) const ORIGIN: &str = "mainstem-node";
/// The user property by which the broker says who published: it replaces what a client claims.
pub(crate) const SENDER: &str = "x-mqtt-sender";

/// What an embedded broker is made from.
pub struct EmbeddedSetup {
    /// The folder for sessions, what waits for them, and retained messages.
    pub folder: PathBuf,
    /// The node that publishes here.
    pub node: Uuid,
    /// What it costs at most.
    pub limits: Limits,
    /// Who may come, and what he may do.
    pub gate: Arc<dyn Gate>,
}

/// Why the broker cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its folder cannot be used.
    #[error("the folder {path} of the MQTT broker cannot be used: {cause}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// An MQTT broker in this process.
pub struct EmbeddedBus {
    broker: Arc<Broker>,
    node: String,
    state: watch::Sender<BusState>,
}

impl EmbeddedBus {
    /// Starts the broker: sessions and retained messages from its folder, no listener yet.
    pub async fn start(setup: EmbeddedSetup) -> Result<Self, StartError> {
        let node = setup.node.to_string();
        let broker = Broker::start(setup).await?;
        let (state, _) = watch::channel(BusState::Up);
        Ok(Self {
            broker,
            node,
            state,
        })
    }

    /// Makes the listeners the same as these: new ones are opened, others closed with their
    /// clients, and those that stay are not touched. Returns those that cannot be opened.
    pub async fn listen(&self, inlets: &[Inlet]) -> Vec<ListenError> {
        self.broker.inlets.apply(&self.broker, inlets).await
    }

    /// Where it listens.
    #[must_use]
    pub fn listening(&self) -> Vec<Listening> {
        self.broker.inlets.list()
    }

    /// The first address that a transport is served at; for tests, which listen at port 0.
    #[must_use]
    pub fn address(&self, transport: Transport) -> Option<SocketAddr> {
        let mut inlets = self.listening().into_iter();
        let found = inlets.find(|listening| listening.inlet.transport == transport)?;
        Some(found.address)
    }

    /// What it has counted since its start, and what it holds now.
    pub async fn counts(&self) -> BrokerCounts {
        self.broker.counts().await
    }

    /// Ends everything: clients are told, sessions and retained messages are on disk afterwards.
    pub async fn stop(&self, grace: Duration) {
        self.state.send_replace(BusState::Down(Outage {
            cause: "the node stops".into(),
            since: std::time::Instant::now(),
        }));
        self.broker.stop(grace).await;
    }

    fn check(&self, publication: &Publication) -> Result<(), PublishError> {
        if let BusState::Down(outage) = &*self.state.borrow() {
            return Err(PublishError::Away(Arc::clone(&outage.cause)));
        }
        if publication.topic.as_str().starts_with('$') {
            let why = "topics that begin with $ are the broker's own";
            return Err(PublishError::Refused(why.into()));
        }
        let bytes = publication.topic.as_str().len() + publication.payload.len();
        let max = self.broker.limits.packet_bytes;
        match bytes > max {
            true => Err(PublishError::TooLarge { bytes, max }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    async fn publish(&self, publication: Publication) -> Result<(), PublishError> {
        self.check(&publication)?;
        let broker = &self.broker;
        if publication.retain && !publication.payload.is_empty() {
            broker.has_room(&publication).await?;
        }
        let Publication {
            topic,
            payload,
            qos,
            retain,
        } = publication;
        let mut packet = PublishPacket::new(topic.as_str(), payload, qos.into());
        packet.retain = retain;
        let properties = &mut packet.properties;
        properties.add_user_property(ORIGIN.to_owned(), self.node.clone());
        broker.counters.published.add(1);
        // No waiting for a slow client: what does not fit into its channel goes to its queue.
        let now = Instant::now();
        broker
            .router
            .route_message_with_deadline(&packet, None, now)
            .await;
        Ok(())
    }

    async fn subscribe(
        &self,
        filters: &[TopicFilter],
        capacity: usize,
    ) -> Result<Subscription, SubscribeError> {
        if let BusState::Down(outage) = &*self.state.borrow() {
            return Err(SubscribeError::Away(Arc::clone(&outage.cause)));
        }
        local::subscribe(&self.broker, filters, capacity).await
    }

    fn state(&self) -> watch::Receiver<BusState> {
        self.state.subscribe()
    }
}

impl From<Qos> for mqtt5::QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
            Qos::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}

impl From<mqtt5::QoS> for Qos {
    fn from(qos: mqtt5::QoS) -> Self {
        match qos {
            mqtt5::QoS::AtMostOnce => Self::AtMostOnce,
            mqtt5::QoS::AtLeastOnce => Self::AtLeastOnce,
            mqtt5::QoS::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}
