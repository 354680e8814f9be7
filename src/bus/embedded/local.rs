//! Subscriptions of this node: fed by the router, without a socket.

use std::sync::Arc;
use std::time::Instant;

use mqtt5::QoS;
use mqtt5::broker::router::{
    DeliveryLanes, LaneReceivers, MessageRouter, SubscriptionRequest, TakeoverNotice,
};
use mqtt5::broker::storage::QueueHandle;
use mqtt5::packet::publish::PublishPacket;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::broker::Broker;
use super::limits::{FILTERS_MAX, LANE_MESSAGES, OWN_CLIENTS};
use super::{ORIGIN, SENDER};
use crate::{Message, SubscribeError, Subscription, Tap, Topic, TopicFilter, tap};

/// Messages that are taken from the overflow of a channel at once.
const OVERFLOW_BATCH: usize = 256;

/// Subscribes to all filters at once.
pub(super) async fn subscribe(
    broker: &Arc<Broker>,
    filters: &[TopicFilter],
    capacity: usize,
) -> Result<Subscription, SubscribeError> {
    let mut wanted: Vec<TopicFilter> = Vec::with_capacity(filters.len());
    for filter in filters {
        if wanted.len() >= FILTERS_MAX {
            let cause = format!("a subscription has at most {FILTERS_MAX} filters");
            return Err(refused(filter, &cause));
        }
        if !wanted.contains(filter) {
            wanted.push(filter.clone());
        }
    }
    let client = format!("{OWN_CLIENTS}{}", broker.number());
    let (lanes, receivers) = DeliveryLanes::channel(LANE_MESSAGES.min(capacity.max(1) * 2));
    // A queue in memory: what a subscription of ours has missed is of no use after a restart.
    let queue = MessageRouter::new().queue_handle(&client);
    let (leave, left) = oneshot::channel();
    let router = &broker.router;
    let own = Arc::clone(&queue);
    router
        .register_client(client.clone(), lanes, own, leave)
        .await;
    let (tap, subscription) = tap(capacity);
    let pump = Pump {
        broker: Arc::clone(broker),
        client,
        filters: wanted,
        lanes: receivers,
        queue,
        tap,
        _left: left,
    };
    if let Err(error) = pump.begin().await {
        router.unregister_client(&pump.client).await;
        return Err(error);
    }
    broker.tasks.spawn(pump.run());
    Ok(subscription)
}

fn refused(filter: &TopicFilter, cause: &str) -> SubscribeError {
    SubscribeError::Refused {
        filter: filter.clone(),
        cause: cause.into(),
    }
}

/// Carries messages from the router to a subscription.
struct Pump {
    broker: Arc<Broker>,
    client: String,
    filters: Vec<TopicFilter>,
    lanes: LaneReceivers,
    queue: QueueHandle,
    tap: Tap,
    _left: oneshot::Receiver<TakeoverNotice>,
}

impl Pump {
    async fn begin(&self) -> Result<(), SubscribeError> {
        let router = &self.broker.router;
        for (place, filter) in self.filters.iter().enumerate() {
            let text = filter.as_str();
            let request = SubscriptionRequest::new(&self.client, text, QoS::ExactlyOnce)
                .with_subscription_id(u32::try_from(place + 1).ok());
            if let Err(error) = router.subscribe(request).await {
                return Err(refused(filter, &error.to_string()));
            }
        }
        for (place, filter) in self.filters.iter().enumerate() {
            // The group of a shared subscription gets nothing that was kept.
            if filter.unshared() != filter.as_str() {
                continue;
            }
            for packet in router.get_retained_messages(filter.as_str()).await {
                self.offer(packet, place, true);
            }
        }
        Ok(())
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                () = self.tap.ended() => break,
                () = self.broker.stop.cancelled() => break,
                message = self.lanes.qos1.recv() => match message {
                    Some(message) => self.arrive(message.publish),
                    None => break,
                },
                message = self.lanes.qos0.recv() => match message {
                    Some(message) => self.arrive(message.publish),
                    None => break,
                },
                () = self.queue.notified() => self.catch_up().await,
            }
        }
        self.broker.router.unregister_client(&self.client).await;
    }

    /// Takes what did not fit into the channel, after what did.
    async fn catch_up(&mut self) {
        while let Ok(message) = self.lanes.qos1.try_recv() {
            self.arrive(message.publish);
        }
        for message in self.queue.take(OVERFLOW_BATCH).await {
            self.arrive(message.to_publish_packet());
        }
        self.queue.finish_drain();
        if self.queue.count() > 0 {
            self.queue.notify();
        }
    }

    fn arrive(&self, packet: PublishPacket) {
        let id = packet.properties.get_subscription_identifier();
        let place = id.and_then(|id| usize::try_from(id).ok()?.checked_sub(1));
        self.offer(packet, place.unwrap_or_default(), false);
    }

    /// Hands over a message that came by the filter at a place, unless an earlier one of our
    /// filters brings it too.
    fn offer(&self, packet: PublishPacket, place: usize, retained: bool) {
        let Ok(topic) = Topic::new(&packet.topic_name) else {
            return;
        };
        let earlier = self.filters.iter().take(place);
        if earlier.into_iter().any(|filter| filter.matches(&topic)) {
            return;
        }
        let properties = &packet.properties;
        let origin = properties.get_user_property_value(ORIGIN);
        let publisher = properties.get_user_property_value(SENDER).map(Arc::from);
        let message = Message {
            topic,
            qos: packet.qos.into(),
            retained,
            origin: origin.and_then(|origin| Uuid::parse_str(origin).ok()),
            publisher,
            arrived: Instant::now(),
            payload: packet.payload,
        };
        self.broker.counters.delivered.add(1);
        if !self.tap.offer(message) {
            self.broker.counters.missed.add(1);
        }
    }
}
