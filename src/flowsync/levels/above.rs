//! Upward: the request is an event of this node's feed, which whoever may answer such events at a
//! node above does.

use mainstem_model::{EventId, Name};
use mainstem_store::{Event, EventError, Store};
use mainstem_wire::api::event::EventReplyDocument;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::record::Record;
use super::{Errand, Levels};
use crate::Outcome;

/// What the kinds of such events begin with; the name of the server node follows.
pub(crate) const KIND: &str = "flowsync";

/// What such an event carries.
#[derive(Serialize, Deserialize)]
pub(crate) struct Carried {
    /// The topic of the server node.
    pub(crate) topic: String,
    /// What is asked.
    pub(crate) value: Box<RawValue>,
}

/// Frees the place of the event, however it ends.
struct Raised<'a> {
    store: &'a Store,
    id: EventId,
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.store.close_event(self.id);
    }
}

pub(super) async fn ask(levels: &Levels, errand: Errand) -> Outcome {
    let mut record = Record::begin(levels, &errand, "flowsync.above");
    let (outcome, hops) = raise(levels, errand).await;
    record.end(&outcome, &hops);
    outcome
}

async fn raise(levels: &Levels, errand: Errand) -> (Outcome, Vec<String>) {
    let refused = |why: String| (Outcome::Refused(why.into()), Vec::new());
    let Ok(kind) = Name::new(&format!("{KIND}.{}", errand.spec.name)) else {
        return refused("the name of the server node is too long for an event".into());
    };
    let carried = Carried {
        topic: errand.spec.topic.to_string(),
        value: errand.value,
    };
    let Ok(data) = to_raw_value(&carried) else {
        return refused("the request cannot be written".into());
    };
    let id = EventId(errand.id.0);
    let answer = levels.store.raise_event(Event {
        id,
        kind,
        data,
        deadline: errand.deadline,
        from: vec![levels.origin(&errand.caller)],
    });
    let answer = match answer {
        Ok(answer) => answer,
        Err(EventError::Full) => return (Outcome::Busy, Vec::new()),
        Err(error) => return refused(error.to_string()),
    };
    let _raised = Raised {
        store: &levels.store,
        id,
    };
    match answer.await {
        Ok(reply) => read(reply),
        // Its deadline has passed: who looks after the deadlines here ends it.
        Err(_) => std::future::pending().await,
    }
}

fn read(reply: EventReplyDocument) -> (Outcome, Vec<String>) {
    let outcome = match (reply.error, reply.data) {
        (Some(fault), _) => Outcome::Error {
            code: fault.code.trim().parse().ok(),
            message: fault.message,
        },
        (None, Some(value)) => Outcome::Value(value),
        (None, None) => Outcome::Error {
            code: None,
            message: "the answer says nothing".to_owned(),
        },
    };
    (outcome, reply.by)
}
