//! Requests of nodes below that are answered here: each is told on this node's bus under its name
//! with the prefix of its remote, and the reply goes back as the answer to the event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::Topic;
use mainstem_model::{GlobSet, Monotonic, Name};
use mainstem_store::{Answering, Event, Store};
use mainstem_wire::api::event::{EventFault, EventReplyDocument};
use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;

use crate::levels::{Carried, KIND};
use crate::shared::Shared;
use crate::{Caller, Levels, Node, NodeSpec, Outcome, Protocol};

/// Server nodes of nodes below that have a subscription here; the longest unused makes room.
const SEATS_MAX: usize = 256;
/// Bytes of an error's message in an answer.
const FAULT_BYTES_MAX: usize = 1024;

/// Tells on this node's bus what nodes below hold.
pub(crate) struct Bridge {
    shared: Arc<Shared>,
    levels: Arc<Levels>,
    patterns: GlobSet,
    seats: Mutex<HashMap<Name, Seat>>,
}

struct Seat {
    node: Arc<Node>,
    used: Monotonic,
}

impl Bridge {
    pub(crate) fn new(shared: Arc<Shared>, levels: Arc<Levels>, patterns: GlobSet) -> Self {
        Self {
            shared,
            levels,
            patterns,
            seats: Mutex::default(),
        }
    }

    /// Answers events until the node stops.
    pub(crate) async fn run(self) {
        let mut told = self.levels.store().events_told();
        let bridge = Arc::new(self);
        loop {
            let event = tokio::select! {
                event = told.recv() => event,
                () = bridge.shared.stopping.cancelled() => return,
            };
            match event {
                Ok(event) => {
                    let Some((name, topic)) = bridge.named(&event) else {
                        continue;
                    };
                    let own = Arc::clone(&bridge);
                    let task = async move { own.answer(&event, name, topic).await };
                    bridge.shared.tasks.spawn(task);
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "requests of nodes below came too fast");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// What a server node of a node below is called here, and its topic, if it is answered here.
    fn named(&self, event: &Event) -> Option<(Name, Topic)> {
        let node = event.kind.strip(KIND)?;
        // The first member is who asked at the node that holds it; the others are the links.
        let links = event.from.get(1..).filter(|links| !links.is_empty())?;
        let links = links
            .iter()
            .rev()
            .map(|hop| hop.split('@').next().unwrap_or_default());
        let links: Vec<&str> = links.collect();
        let name = Name::new(&format!("{}.{node}", links.join("."))).ok()?;
        if !self.patterns.allows(name.as_str()) {
            return None;
        }
        let carried: Carried = serde_json::from_str(event.data.get()).ok()?;
        let prefix = links.join(".").replace('.', "/");
        let topic = Topic::new(&format!("{prefix}/{}", carried.topic)).ok()?;
        Some((name, topic))
    }

    /// The server node that stands for one of a node below.
    fn seat(&self, name: Name, topic: Topic) -> Option<Arc<Node>> {
        let now = self.shared.clock.monotonic();
        let mut seats = self.seats.lock();
        if let Some(seat) = seats.get_mut(&name)
            && seat.node.spec().topic == topic
        {
            seat.used = now;
            return Some(Arc::clone(&seat.node));
        }
        if seats.len() >= SEATS_MAX {
            let oldest = seats.iter().min_by_key(|(_, seat)| seat.used);
            let oldest = oldest.map(|(name, _)| name.clone())?;
            seats.remove(&oldest);
        }
        let mut spec = NodeSpec::new(name.clone(), topic);
        // The event's own deadline counts.
        spec.timeout = Duration::MAX;
        let node = Arc::new(Node::make(&self.shared, spec).ok()?);
        let held = Arc::clone(&node);
        seats.insert(name, Seat { node, used: now });
        Some(held)
    }

    async fn answer(&self, event: &Event, name: Name, topic: Topic) {
        let left = || event.deadline.since(self.shared.clock.monotonic());
        let carried: Result<Carried, _> = serde_json::from_str(event.data.get());
        let (Some(node), Ok(carried)) = (self.seat(name, topic), carried) else {
            return;
        };
        if !node.ready(left()).await {
            return;
        }
        let caller = Caller {
            principal: event.from.first().map_or("?", String::as_str).into(),
            protocol: Protocol::Link,
        };
        let outcome = node.hold_within(&carried.value, caller, left()).await;
        let Some(mut reply) = reply(outcome) else {
            return;
        };
        let store = self.levels.store();
        reply.by = vec![format!("bus@{}", store.setup().name)];
        if let Err(error) = pass_on(store, event, reply).await {
            tracing::debug!(%error, node = %node.spec().name, "an answer came to nothing");
        }
    }
}

async fn pass_on(
    store: &Store,
    event: &Event,
    reply: EventReplyDocument,
) -> Result<(), mainstem_store::EventError> {
    match store.answer_event(event.id, reply)? {
        Answering::Taken => Ok(()),
        Answering::Passing(told) => {
            let told = told
                .await
                .unwrap_or(Err(mainstem_store::EventError::LinkDown));
            store.event_passed(event.id, told.is_ok());
            told
        }
    }
}

/// The answer to the event; nothing where somebody else may still have one.
fn reply(outcome: Outcome) -> Option<EventReplyDocument> {
    match outcome {
        Outcome::Value(value) => Some(EventReplyDocument {
            data: Some(value),
            ..EventReplyDocument::default()
        }),
        Outcome::Error { code, mut message } => {
            message.truncate(message.floor_char_boundary(FAULT_BYTES_MAX));
            let code = code.map_or_else(String::new, |code| code.to_string());
            Some(EventReplyDocument {
                error: Some(EventFault { code, message }),
                ..EventReplyDocument::default()
            })
        }
        _ => None,
    }
}
