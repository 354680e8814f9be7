//! The table of open events: bounded, and each with one holder that an answer goes to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{EventId, Monotonic, Name};
use mainstem_wire::api::event::EventReplyDocument;
use tokio::sync::{mpsc, oneshot};

use super::{Answering, Event, EventErrand, EventError};
use crate::SourceId;

/// Events that wait for an answer, at the most.
pub(super) const OPEN_MAX: usize = 10_000;
/// Those of one link: one neighbour does not use up everybody's places.
pub(super) const OF_LINK_MAX: usize = 4_000;
/// Bytes of all of them.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Ids of ended events that are remembered, so that nothing comes twice.
const ENDED_MAX: usize = 20_000;

/// How often what is over is taken out.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);

/// Where an answer goes.
#[derive(Debug)]
pub(super) enum Holder {
    /// Who raised it waits here.
    Here(oneshot::Sender<EventReplyDocument>),
    /// It came over this link.
    Below(SourceId),
    /// An answer travels down this link.
    Passing(SourceId),
}

impl Holder {
    fn link(&self) -> Option<SourceId> {
        match self {
            Self::Here(_) => None,
            Self::Below(link) | Self::Passing(link) => Some(*link),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    open: HashMap<EventId, (Arc<Event>, Holder)>,
    of_link: HashMap<SourceId, usize>,
    bytes: usize,
    /// When the table is looked through for what is over; now and then is enough.
    next_sweep: Monotonic,
    ended: HashSet<EventId>,
    ended_order: VecDeque<EventId>,
    pub(super) links: HashMap<SourceId, mpsc::Sender<EventErrand>>,
}

impl Table {
    pub(super) fn open(
        &mut self,
        event: &Arc<Event>,
        holder: Holder,
        now: Monotonic,
    ) -> Result<(), EventError> {
        if event.deadline <= now || self.open.contains_key(&event.id) {
            return Err(EventError::Over);
        }
        if self.ended.contains(&event.id) {
            return Err(EventError::Over);
        }
        if now >= self.next_sweep {
            self.sweep(now);
        }
        if !self.has_room(event, &holder) {
            return Err(EventError::Full);
        }
        self.bytes += event.heap_bytes();
        if let Some(link) = holder.link() {
            *self.of_link.entry(link).or_default() += 1;
        }
        self.open.insert(event.id, (Arc::clone(event), holder));
        Ok(())
    }

    fn has_room(&self, event: &Event, holder: &Holder) -> bool {
        let of_link = holder.link().and_then(|link| self.of_link.get(&link));
        self.open.len() < OPEN_MAX
            && self.bytes + event.heap_bytes() <= BYTES_MAX
            && of_link.is_none_or(|count| *count < OF_LINK_MAX)
    }

    /// Takes out what nobody waits for any more.
    fn sweep(&mut self, now: Monotonic) {
        self.next_sweep = now.after(SWEEP_INTERVAL);
        let late = self
            .open
            .values()
            .filter(|(event, _)| event.deadline <= now);
        let late: Vec<EventId> = late.map(|(event, _)| event.id).collect();
        for id in late {
            self.end(id);
        }
    }

    fn end(&mut self, id: EventId) -> Option<Holder> {
        let (event, holder) = self.open.remove(&id)?;
        self.bytes -= event.heap_bytes();
        if let Some(link) = holder.link()
            && let Some(count) = self.of_link.get_mut(&link)
        {
            *count -= 1;
            if *count == 0 {
                self.of_link.remove(&link);
            }
        }
        self.ended.insert(id);
        self.ended_order.push_back(id);
        if self.ended_order.len() > ENDED_MAX
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
        Some(holder)
    }

    pub(super) fn answer(
        &mut self,
        id: EventId,
        reply: EventReplyDocument,
        now: Monotonic,
    ) -> Result<Answering, EventError> {
        let Some((event, holder)) = self.open.get_mut(&id) else {
            return Err(self.why_not_open(id));
        };
        if event.deadline <= now {
            self.end(id);
            return Err(EventError::Over);
        }
        let link = match holder {
            Holder::Passing(_) => return Err(EventError::Over),
            Holder::Below(link) => *link,
            Holder::Here(_) => return self.hand_over(id, reply),
        };
        let (done, told) = oneshot::channel();
        let errand = EventErrand {
            id,
            reply,
            deadline: event.deadline,
            done,
        };
        let sender = self.links.get(&link).ok_or(EventError::LinkDown)?;
        let sent = sender.try_send(errand);
        sent.map_err(|_| EventError::LinkDown)?;
        *holder = Holder::Passing(link);
        Ok(Answering::Passing(told))
    }

    fn hand_over(
        &mut self,
        id: EventId,
        reply: EventReplyDocument,
    ) -> Result<Answering, EventError> {
        match self.end(id) {
            Some(Holder::Here(sender)) => sender
                .send(reply)
                .map(|()| Answering::Taken)
                .map_err(|_| EventError::Over),
            _ => Err(EventError::Over),
        }
    }

    pub(super) fn passed(&mut self, id: EventId, is_taken: bool) {
        if is_taken {
            self.end(id);
        } else if let Some((_, holder)) = self.open.get_mut(&id)
            && let Holder::Passing(link) = *holder
        {
            *holder = Holder::Below(link);
        }
    }

    pub(super) fn close(&mut self, id: EventId) {
        self.end(id);
    }

    pub(super) fn kind(&self, id: EventId) -> Result<Name, EventError> {
        match self.open.get(&id) {
            Some((event, _)) => Ok(event.kind.clone()),
            None => Err(self.why_not_open(id)),
        }
    }

    fn why_not_open(&self, id: EventId) -> EventError {
        match self.ended.contains(&id) {
            true => EventError::Over,
            false => EventError::Unknown,
        }
    }

    pub(super) fn list(&mut self, now: Monotonic) -> Vec<Arc<Event>> {
        self.sweep(now);
        let mut events: Vec<Arc<Event>> = self
            .open
            .values()
            .map(|(event, _)| Arc::clone(event))
            .collect();
        events.sort_by_key(|event| (event.deadline, event.id));
        events
    }
}
