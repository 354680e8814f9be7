//! Who waits for which acknowledgement, and which filters the broker has been asked for.

mod wires;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use mainstem_model::{Topic, TopicFilter};
use tokio::sync::oneshot;

use super::line::{Arrived, Happening, Line, Remote};
use crate::{Message, Publication, PublishError, SubscribeError, Tap};
pub use wires::WIRES_MAX;
use wires::Wires;

/// Messages above QoS 0 that the broker has and has not acknowledged.
pub const IN_FLIGHT_MAX: u16 = 100;
/// Messages that wait to be sent or acknowledged; beyond them publishing fails.
pub const QUEUED_MAX: usize = 4096;
/// Requests in the channel to the connection: the messages, and as many filters as there may be.
pub(super) const CHANNEL: usize = QUEUED_MAX + 2 * WIRES_MAX;
/// A refused QoS 2 message blocks a place among those in flight until the connection is made anew:
/// at this part of the places it is.
const BLOCKED_PART: u16 = 4;

type Waiter = oneshot::Sender<Result<(), PublishError>>;
type Granting = Vec<(TopicFilter, oneshot::Receiver<Result<(), String>>)>;

/// What a bus at a foreign broker has counted since its start, and what is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalCounts {
    /// Times that the broker has let us in.
    pub connections: u64,
    /// Messages handed to the connection.
    pub published: u64,
    /// Messages above QoS 0 that the broker has acknowledged.
    pub acknowledged: u64,
    /// Messages that the broker has refused.
    pub refused: u64,
    /// Messages of which nobody knows whether the broker has them: the connection was lost before
    /// the acknowledgement.
    pub unknown: u64,
    /// Messages that came.
    pub arrived: u64,
    /// Messages that were dropped because a subscription was too slow.
    pub missed: u64,
    /// Messages that wait for their acknowledgement now.
    pub waiting: u64,
    /// Filters at the broker now.
    pub filters: u64,
}

pub(super) struct Table {
    remote: Remote,
    is_up: bool,
    tells_filters: bool,
    packet_bytes: Option<usize>,
    /// Messages of the connection before that are sent again: nobody waits for them any more.
    resends: usize,
    blocked: u16,
    blocked_max: u16,
    /// Messages without a packet id, in the order in which they get one.
    sending: VecDeque<Option<Waiter>>,
    in_flight: HashMap<u16, Waiter>,
    wires: Wires,
    counts: ExternalCounts,
}

impl Table {
    pub(super) fn new(remote: Remote) -> Self {
        Self {
            remote,
            is_up: false,
            tells_filters: false,
            packet_bytes: None,
            resends: 0,
            blocked: 0,
            blocked_max: 1,
            sending: VecDeque::new(),
            in_flight: HashMap::new(),
            wires: Wires::default(),
            counts: ExternalCounts::default(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    /// The longest message: ours and what the broker says.
    pub(super) fn packet_bytes(&self, own: usize) -> usize {
        // The packet has a header and properties besides.
        let theirs = self.packet_bytes.map(|bytes| bytes.saturating_sub(512));
        theirs.map_or(own, |theirs| own.min(theirs))
    }

    pub(super) fn counts(&self) -> ExternalCounts {
        ExternalCounts {
            waiting: (self.sending.len() + self.in_flight.len()) as u64,
            filters: self.wires.len() as u64,
            ..self.counts.clone()
        }
    }

    /// Sends a message. Whoever waits is told; if he is dropped, the connection was lost.
    pub(super) fn publish(
        &mut self,
        publication: Publication,
        waiter: Option<Waiter>,
    ) -> Result<(), PublishError> {
        if self.sending.len() + self.in_flight.len() >= QUEUED_MAX {
            return Err(PublishError::Busy);
        }
        self.remote
            .publish(publication)
            .map_err(|_| PublishError::Busy)?;
        self.sending.push_back(waiter);
        self.counts.published += 1;
        Ok(())
    }

    pub(super) fn subscribe(
        &mut self,
        filters: &[TopicFilter],
        tap: &Tap,
    ) -> Result<(u64, Granting), SubscribeError> {
        let number = self.tells_filters;
        self.wires.join(filters, tap, &self.remote, number)
    }

    /// A subscription has ended.
    pub(super) fn leave(&mut self, user: u64) {
        let remote = self.is_up.then_some(&self.remote);
        self.wires.leave(user, remote);
    }

    /// The broker has let us in.
    pub(super) fn up(&mut self, happening: &Happening, resends: usize) {
        let Happening::Up {
            resumed,
            tells_filters,
            packet_bytes,
            in_flight,
        } = happening
        else {
            return;
        };
        self.is_up = true;
        self.tells_filters = *tells_filters;
        self.packet_bytes = *packet_bytes;
        self.resends = resends;
        self.blocked = 0;
        self.blocked_max = (IN_FLIGHT_MAX.min(*in_flight) / BLOCKED_PART).max(1);
        self.counts.connections += 1;
        self.wires.renew(*resumed, &self.remote, *tells_filters);
    }

    /// The connection is lost: everybody who waits learns it, and nothing is kept for later but
    /// what the protocol wants sent again.
    pub(super) fn down(&mut self, line: &mut Line) {
        self.is_up = false;
        line.hang_up();
        let waiting = self.sending.iter().flatten().count() + self.in_flight.len();
        self.counts.unknown += waiting as u64;
        self.sending.clear();
        self.in_flight.clear();
        self.wires.forsake();
    }

    /// Says goodbye.
    pub(super) fn part(&mut self) -> bool {
        self.is_up && self.remote.disconnect().is_ok()
    }

    /// Takes note of what happened. Returns whether the connection has to be made anew.
    pub(super) fn note(&mut self, happening: Happening) -> bool {
        match happening {
            Happening::Sent(_) if self.resends > 0 => self.resends -= 1,
            Happening::Sent(id) => {
                if let Some(waiter) = self.sending.pop_front().flatten() {
                    self.in_flight.insert(id, waiter);
                }
            }
            Happening::Acknowledged(id, outcome) => self.acknowledge(id, outcome),
            Happening::Blocked(id, cause) => {
                self.blocked += 1;
                self.acknowledge(id, Err(cause));
            }
            Happening::Asked(id) => self.wires.asked(id),
            Happening::Granted(id, outcome) => self.wires.granted(id, outcome),
            Happening::Arrived(arrived) => self.arrive(arrived),
            Happening::Up { .. } | Happening::Else => {}
        }
        self.blocked >= self.blocked_max
    }

    fn acknowledge(&mut self, id: u16, outcome: Result<(), String>) {
        match &outcome {
            Ok(()) => self.counts.acknowledged += 1,
            Err(_) => self.counts.refused += 1,
        }
        if let Some(waiter) = self.in_flight.remove(&id) {
            let outcome = outcome.map_err(|cause| PublishError::Refused(cause.into()));
            // Whoever has given up does not want to know.
            let _told = waiter.send(outcome);
        }
    }

    fn arrive(&mut self, arrived: Arrived) {
        let Ok(topic) = Topic::new(&arrived.topic) else {
            tracing::debug!("a message came on a topic that is none here");
            return;
        };
        self.counts.arrived += 1;
        let message = Message {
            topic,
            payload: arrived.payload,
            qos: arrived.qos,
            retained: arrived.retained,
            origin: arrived.origin,
            publisher: None,
            arrived: Instant::now(),
        };
        self.counts.missed += self.wires.deliver(&message, &arrived.filters);
    }
}
