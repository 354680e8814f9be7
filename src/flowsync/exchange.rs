//! Server nodes that hold nothing: what clients bring is told on the bus, and what was told on the
//! bus last is shown to clients.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{BusState, Message, Publication, PublishError, Qos, Topic, TopicFilter};
use mainstem_model::Monotonic;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::reply::{self, REPLY_BYTES_MAX};
use crate::shared::Shared;

/// Messages that wait to be taken; only the last counts.
const WAITING_MAX: usize = 64;
/// After a refused subscription.
const RETRY: Duration = Duration::from_millis(500);

/// Tells on a topic what clients bring (`serverReceives`).
pub struct Teller {
    shared: Arc<Shared>,
    topic: Topic,
    qos: Qos,
    retain: bool,
}

impl Teller {
    pub(crate) fn new(shared: Arc<Shared>, topic: Topic, qos: Qos, retain: bool) -> Self {
        Self {
            shared,
            topic,
            qos,
            retain,
        }
    }

    /// Tells `{timestamp, value}`. Above QoS 0 it returns when the broker has it.
    pub async fn tell(&self, value: &RawValue) -> Result<(), PublishError> {
        let timestamp = self.shared.clock.now().micros() / 1000;
        let publication = Publication {
            topic: self.topic.clone(),
            payload: reply::told(timestamp, value),
            qos: self.qos,
            retain: self.retain,
        };
        self.shared.bus.publish(publication).await
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

/// The last value that was told on a topic (`serverProvides`).
#[derive(Clone, Debug)]
pub struct Shown {
    /// The value.
    pub value: Arc<RawValue>,
    /// How old it is here.
    pub age: Duration,
}

/// Keeps the last value that was told on a topic. Dropping it ends that.
pub struct Watcher {
    shared: Arc<Shared>,
    last: Arc<Last>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct Last(Mutex<Option<(Arc<RawValue>, Monotonic)>>);

impl Watcher {
    pub(crate) fn new(shared: &Arc<Shared>, topic: &Topic) -> Self {
        let (last, ended) = (Arc::new(Last::default()), CancellationToken::new());
        let task = watch(
            Arc::clone(shared),
            TopicFilter::from(topic),
            Arc::clone(&last),
            ended.clone(),
        );
        shared.tasks.spawn(task);
        Self {
            shared: Arc::clone(shared),
            last,
            ended,
        }
    }

    /// The last value, if there was one; or why it cannot be told that it is the last.
    pub fn last(&self) -> Result<Option<Shown>, Arc<str>> {
        if let BusState::Down(outage) = &*self.shared.bus.state().borrow() {
            return Err(Arc::clone(&outage.cause));
        }
        let now = self.shared.clock.monotonic();
        let last = self.last.0.lock();
        Ok(last.as_ref().map(|(value, at)| Shown {
            value: Arc::clone(value),
            age: now.since(*at),
        }))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

async fn watch(
    shared: Arc<Shared>,
    filter: TopicFilter,
    last: Arc<Last>,
    ended: CancellationToken,
) {
    let take = async {
        loop {
            let filters = std::slice::from_ref(&filter);
            if let Ok(mut messages) = shared.bus.subscribe(filters, WAITING_MAX).await {
                while let Some(message) = messages.next().await {
                    keep(&last, &message, shared.clock.monotonic());
                }
            }
            shared.pause(RETRY).await;
        }
    };
    tokio::select! {
        () = take => {}
        () = ended.cancelled() => {}
        () = shared.stopping.cancelled() => {}
    }
}

/// Takes over a value: the member `value` of an object that has one, or all of the message.
fn keep(last: &Last, message: &Message, now: Monotonic) {
    #[derive(Deserialize)]
    struct Told<'a> {
        #[serde(borrow)]
        value: &'a RawValue,
    }
    let payload = &*message.payload;
    if payload.is_empty() {
        // Whoever kept a value at the broker took it away.
        *last.0.lock() = None;
        return;
    }
    if payload.len() > REPLY_BYTES_MAX {
        return;
    }
    let told = serde_json::from_slice::<Told<'_>>(payload);
    let value = match told {
        Ok(told) => told.value.to_owned(),
        Err(_) => match serde_json::from_slice::<Box<RawValue>>(payload) {
            Ok(value) => value,
            Err(_) => return,
        },
    };
    *last.0.lock() = Some((Arc::from(value), now));
}
