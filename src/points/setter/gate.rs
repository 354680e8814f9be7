//! Tells what is said now from what waited at a foreign broker while the connection was lost. Such
//! a broker hands over in order, so after an outage the node publishes a mark of its own: whatever
//! comes before it may be old.

use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{Bus, BusState, Message, Publication, Qos, Topic};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// How often a mark is published until one comes back.
const MARK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Gate {
    bus: Arc<dyn Bus>,
    topic: Option<Topic>,
    state: watch::Receiver<BusState>,
    is_foreign: bool,
    /// The mark that is waited for; none while everything that comes is said now.
    wanted: Option<String>,
    next: Instant,
}

impl Gate {
    /// A gate before a new subscription, for which nothing can have waited.
    pub(super) fn new(bus: &Arc<dyn Bus>, is_foreign: bool, topic: Option<Topic>) -> Self {
        let mut state = bus.state();
        state.mark_unchanged();
        Self {
            bus: Arc::clone(bus),
            topic,
            state,
            is_foreign,
            wanted: None,
            next: Instant::now(),
        }
    }

    /// Publishes a mark when one is due. Never ends but for that; may be dropped at any time.
    pub(super) async fn ask(&mut self) {
        if self.wanted.is_none() {
            if self.state.changed().await.is_err() {
                return std::future::pending().await;
            }
            self.close();
            return;
        }
        sleep_until(self.next).await;
        self.next = Instant::now() + MARK_EVERY;
        let (Some(topic), Some(wanted)) = (&self.topic, &self.wanted) else {
            return;
        };
        let mark = Publication {
            topic: topic.clone(),
            payload: wanted.clone().into(),
            qos: Qos::AtLeastOnce,
            retain: false,
        };
        // One that does not arrive is published again.
        drop(self.bus.publish(mark).await);
    }

    /// Whether a message is a mark of this node; the one that is waited for opens the gate.
    pub(super) fn is_mark(&mut self, message: &Message, node: Uuid) -> bool {
        self.look();
        if Some(&message.topic) != self.topic.as_ref() {
            return false;
        }
        let is_ours = message.origin.is_none_or(|origin| origin == node);
        let is_wanted = |wanted: &String| wanted.as_bytes() == message.payload.as_ref();
        if is_ours && !message.retained && self.wanted.as_ref().is_some_and(is_wanted) {
            self.wanted = None;
        }
        true
    }

    /// Whether what comes now is said now.
    pub(super) fn is_open(&self) -> bool {
        self.wanted.is_none()
    }

    /// The bus says that it is back before it hands over what waited, so no message that waited
    /// comes through here before its change of state was seen.
    fn look(&mut self) {
        if self.state.has_changed().unwrap_or(false) {
            self.state.mark_unchanged();
            self.close();
        }
    }

    fn close(&mut self) {
        if self.is_foreign {
            self.wanted = Some(Uuid::new_v4().to_string());
            self.next = Instant::now();
        }
    }
}
