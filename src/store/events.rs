//! Events that wait for an answer: raised here or carried up by a link. Each is told once in the
//! feed, answered once at the most, and forgotten when its deadline passes.

mod table;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{EventId, Monotonic, Name};
use mainstem_wire::api::event::EventReplyDocument;
use mainstem_wire::{EVENT_HOPS_MAX, EventFrame};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::log::Entry;
use crate::{SourceId, Store};
use table::{Holder, Table};

/// Bytes of what an event, or an answer, carries.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// The longest time that an answer is waited for.
pub const EVENT_DEADLINE_MAX: Duration = Duration::from_secs(600);
/// Answers that may wait for one link.
const ERRANDS_WAITING_MAX: usize = 256;

/// What happened and waits for an answer.
#[derive(Debug)]
pub struct Event {
    /// Its identity at every node.
    pub id: EventId,
    /// What happened.
    pub kind: Name,
    /// What there is to know about it.
    pub data: Box<RawValue>,
    /// After this reading of the clock nobody waits for an answer any more.
    pub deadline: Monotonic,
    /// Who raised it and the nodes that it passed.
    pub from: Vec<String>,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Event {
    /// As it is told at a moment.
    pub fn frame(&self, now: Monotonic) -> EventFrame {
        let remaining = self.deadline.since(now).as_millis();
        EventFrame {
            id: self.id,
            kind: self.kind.to_string(),
            data: self.data.clone(),
            remaining_ms: u64::try_from(remaining).unwrap_or(u64::MAX),
            from: self.from.clone(),
        }
    }

    /// Bytes that it keeps, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        let from: usize = self.from.iter().map(String::len).sum();
        size_of::<Self>() + self.data.get().len() + self.kind.as_str().len() + from
    }
}

/// Why an event or an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Too many wait already.
    #[error("as many events wait for an answer here as may")]
    Full,
    /// What it carries is too large.
    #[error("an event and an answer carry at most {EVENT_BYTES_MAX} bytes")]
    TooLarge,
    /// Nobody knows it: it never was here, or is long over.
    #[error("no event of this id waits for an answer here")]
    Unknown,
    /// It was answered already, or its deadline passed, or who asked is gone.
    #[error("the event was answered already, or nobody waits for an answer any more")]
    Over,
    /// The link that it came over is gone.
    #[error("the link that the event came over has no communication")]
    LinkDown,
    /// The node that it came from does not take the answer.
    #[error("the node that the event came from refuses the answer")]
    Refused,
}

/// An answer for the link that an event came over.
#[derive(Debug)]
pub struct EventErrand {
    /// The event.
    pub id: EventId,
    /// The answer.
    pub reply: EventReplyDocument,
    /// After this reading of the clock nobody waits for it.
    pub deadline: Monotonic,
    /// Where it is told whether the answer was taken.
    pub done: oneshot::Sender<Result<(), EventError>>,
}

/// How an answer goes on.
#[derive(Debug)]
pub enum Answering {
    /// Who asked has it.
    Taken,
    /// It travels down a link, which tells what became of it.
    Passing(oneshot::Receiver<Result<(), EventError>>),
}

/// Events that whoever is told of them as they come may be behind.
const TOLD_BEHIND_MAX: usize = 4096;

#[derive(Debug)]
pub(crate) struct Events(Mutex<Table>, broadcast::Sender<Arc<Event>>);

impl Default for Events {
    fn default() -> Self {
        Self(Mutex::default(), broadcast::Sender::new(TOLD_BEHIND_MAX))
    }
}

impl Store {
    /// Tells an event in the feed, and gives what its answer comes out of.
    pub fn raise_event(
        &self,
        event: Event,
    ) -> Result<oneshot::Receiver<EventReplyDocument>, EventError> {
        let (sender, answer) = oneshot::channel();
        self.open_event(event, Holder::Here(sender))?;
        Ok(answer)
    }

    /// Takes over an event from a link's neighbour. What is known already is not told again, so
    /// that a second way leads nowhere.
    pub fn carry_event(&self, link: SourceId, frame: &EventFrame) -> Result<(), EventError> {
        let Ok(kind) = Name::new(&frame.kind) else {
            return Err(EventError::Refused);
        };
        if frame.from.len() >= EVENT_HOPS_MAX {
            return Err(EventError::Refused);
        }
        let remaining = Duration::from_millis(frame.remaining_ms).min(EVENT_DEADLINE_MAX);
        let mut from = frame.from.clone();
        from.push(format!("{}@{}", self.link_name(link), self.setup().name));
        let event = Event {
            id: frame.id,
            kind,
            data: frame.data.clone(),
            deadline: self.clock().monotonic().after(remaining),
            from,
        };
        match self.open_event(event, Holder::Below(link)) {
            Err(EventError::Over) => Ok(()),
            other => other,
        }
    }

    fn link_name(&self, link: SourceId) -> Arc<str> {
        self.source(link)
            .map_or_else(|| "?".into(), |view| view.name)
    }

    fn open_event(&self, event: Event, holder: Holder) -> Result<(), EventError> {
        if event.data.get().len() > EVENT_BYTES_MAX {
            return Err(EventError::TooLarge);
        }
        let event = Arc::new(event);
        let now = self.clock().monotonic();
        self.events.0.lock().open(&event, holder, now)?;
        // Nobody may listen.
        drop(self.events.1.send(Arc::clone(&event)));
        self.change(|state, _| state.log.push(Entry::Event(event)));
        Ok(())
    }

    /// Tells every event that comes from now on, wherever it is from.
    pub fn events_told(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.1.subscribe()
    }

    /// Answers an event. The first answer counts.
    pub fn answer_event(
        &self,
        id: EventId,
        reply: EventReplyDocument,
    ) -> Result<Answering, EventError> {
        let bytes = reply.data.as_ref().map_or(0, |data| data.get().len());
        if bytes > EVENT_BYTES_MAX {
            return Err(EventError::TooLarge);
        }
        let now = self.clock().monotonic();
        self.events.0.lock().answer(id, reply, now)
    }

    /// What became of an answer that travelled down: after a failure another one may be tried.
    pub fn event_passed(&self, id: EventId, is_taken: bool) {
        self.events.0.lock().passed(id, is_taken);
    }

    /// Nobody waits any more for the answer of an event that was raised here.
    pub fn close_event(&self, id: EventId) {
        self.events.0.lock().close(id);
    }

    /// Events that wait for an answer, oldest deadline first.
    pub fn open_events(&self) -> Vec<Arc<Event>> {
        let now = self.clock().monotonic();
        self.events.0.lock().list(now)
    }

    /// What kind of event waits under an id.
    pub fn event_kind(&self, id: EventId) -> Result<Name, EventError> {
        self.events.0.lock().kind(id)
    }

    /// Registers who carries answers down a link. A later registration takes over.
    pub fn register_answers(&self, link: SourceId) -> mpsc::Receiver<EventErrand> {
        let (sender, errands) = mpsc::channel(ERRANDS_WAITING_MAX);
        self.events.0.lock().links.insert(link, sender);
        errands
    }
}
