//! A bus inside one test: what is published reaches whoever subscribed, at once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use mainstem_bus::{
    Bus, BusState, Message, Outage, Publication, PublishError, Qos, SubscribeError, Subscription,
    Tap, Topic, TopicFilter, tap,
};
use parking_lot::Mutex;
use tokio::sync::watch;

pub(super) struct Hub {
    taps: Mutex<Vec<(Vec<TopicFilter>, Tap)>>,
    state: watch::Sender<BusState>,
    answers: AtomicBool,
}

impl Hub {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            taps: Mutex::default(),
            state: watch::Sender::new(BusState::Up),
            answers: AtomicBool::new(false),
        })
    }

    pub(super) fn say(&self, topic: &str, payload: &[u8]) {
        self.hand_out(topic, payload, false);
    }

    pub(super) fn say_retained(&self, topic: &str, payload: &[u8]) {
        self.hand_out(topic, payload, true);
    }

    /// From now on every request is answered before its publishing is acknowledged.
    pub(super) fn answer_within_publish(&self) {
        self.answers.store(true, Ordering::Relaxed);
    }

    pub(super) fn fall(&self, cause: &str) {
        self.state.send_replace(BusState::Down(Outage {
            cause: cause.into(),
            since: Instant::now(),
        }));
    }

    pub(super) fn rise(&self) {
        self.state.send_replace(BusState::Up);
    }

    fn hand_out(&self, topic: &str, payload: &[u8], retained: bool) {
        let topic = Topic::new(topic).unwrap();
        let taps = self.taps.lock();
        for (filters, tap) in &*taps {
            if filters.iter().any(|filter| filter.matches(&topic)) {
                tap.offer(Message {
                    topic: topic.clone(),
                    payload: Bytes::copy_from_slice(payload),
                    qos: Qos::AtMostOnce,
                    retained,
                    origin: None,
                    publisher: None,
                    arrived: Instant::now(),
                });
            }
        }
    }
}

#[async_trait]
impl Bus for Hub {
    async fn publish(&self, publication: Publication) -> Result<(), PublishError> {
        self.hand_out(publication.topic.as_str(), &publication.payload, false);
        if self.answers.load(Ordering::Relaxed) {
            let root = publication.topic.as_str().strip_suffix("/treq").unwrap();
            self.say(&format!("{root}/tres"), &publication.payload);
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        filters: &[TopicFilter],
        capacity: usize,
    ) -> Result<Subscription, SubscribeError> {
        let (tap, subscription) = tap(capacity);
        self.taps.lock().push((filters.to_vec(), tap));
        Ok(subscription)
    }

    fn state(&self) -> watch::Receiver<BusState> {
        self.state.subscribe()
    }
}
