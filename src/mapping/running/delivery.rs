//! Publishing what rules made, and waiting for a bus that is away.

use futures_util::{StreamExt, stream};
use mainstem_bus::{BusState, Publication, PublishError, Qos, Topic};
use tokio::time::{Instant, timeout_at};

use super::numbers::What;
use super::way::Way;
use crate::Message;

impl Way {
    /// Publishes messages: one after the other, or several at a time where the order is not kept.
    pub(super) async fn deliver(&self, messages: Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        let at_once = match self.buffering.keep_order {
            true => 1,
            false => self.buffering.max_inflight_messages as usize,
        };
        stream::iter(messages)
            .map(|message| self.deliver_one(message))
            .buffered(at_once)
            .for_each(|()| async {})
            .await;
    }

    async fn deliver_one(&self, message: Message) {
        let publish = &self.item.publish;
        let publication = match Topic::new(&message.topic) {
            Ok(topic) => Publication {
                topic,
                payload: message.payload,
                qos: qos(publish.qos),
                retain: publish.retain,
            },
            Err(error) => {
                self.undelivered(&format!("{} is no topic: {error}", message.topic));
                return;
            }
        };
        match self.patiently(publication).await {
            Ok(()) => {
                self.numbers.count(What::Published, 1);
                let now = self.shared.clock.monotonic();
                self.numbers.went_well(now, &self.shared.health);
            }
            Err(error) => {
                self.undelivered(&format!("{} was not published: {error}", message.topic));
            }
        }
    }

    /// While the bus is away, what is buffered waits for it. Its own subscription waits meanwhile
    /// with the messages behind it.
    async fn patiently(&self, publication: Publication) -> Result<(), PublishError> {
        let until = Instant::now() + self.buffering.wait_time_on_endpoint_lost;
        loop {
            let error = match self.shared.bus.publish(publication.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let may_wait = matches!(error, PublishError::Away(_) | PublishError::Busy);
            if !may_wait || !self.buffering.enabled {
                return Err(error);
            }
            let mut state = self.shared.bus.state();
            let up = state.wait_for(|state| *state == BusState::Up);
            if !matches!(timeout_at(until, up).await, Ok(Ok(_))) || Instant::now() >= until {
                return Err(error);
            }
            // The state may lag behind what a publication meets.
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn undelivered(&self, text: &str) {
        self.numbers.count(What::Undelivered, 1);
        self.error(text);
    }
}

/// Between two tries while the bus says that it is up.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

fn qos(qos: mainstem_service::Qos) -> Qos {
    match qos.level() {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    }
}
