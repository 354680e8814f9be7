//! The conversation with one device: one request at a time, and what it tells unasked.

mod unasked;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{Direction, Statistics, Trace};
use tokio::time::Instant;

use crate::codec::apdu::{self, Apdu};
use crate::codec::network::{self, Way};
use crate::codec::reassembly::Reassembly;
use crate::codec::service::Notification;
use crate::codec::{ObjectId, describe};
use crate::fault::Refusal;
use crate::port::{Heard, Peer, Seat};

/// Changes that may wait until they are looked at.
const CHANGES_MAX: usize = 1_024;
/// How many times the time for one answer an answer in pieces may take as a whole.
const PIECES_PATIENCE: u32 = 8;
/// The error "unknown subscription" of class "services".
const UNKNOWN_SUBSCRIPTION: (u8, u8) = (5, 79);
/// The reason "segmentation not supported" of an abort.
const NOT_IN_PIECES: u8 = 4;

/// Why a request has no answer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Nothing came in time.
    Timeout,
    /// The router says that it cannot reach the device's network.
    Unreachable,
    /// This machine cannot send or receive.
    Io(String),
}

/// What a device answers.
pub(crate) type Answer = Result<Vec<u8>, Refusal>;

/// One device and the way to it.
pub(crate) struct Line {
    pub(crate) seat: Seat,
    peer: Peer,
    place: String,
    timeout: Duration,
    retries: u8,
    /// Bytes of the longest message in both directions.
    pub(crate) apdu_max: u16,
    segmented: bool,
    device: ObjectId,
    /// The number of this connection's subscriptions.
    pub(crate) process: u32,
    invoke: u8,
    answered_at: Instant,
    changes: VecDeque<Notification>,
    lost_changes: bool,
    statistics: Arc<Statistics>,
    trace: Trace,
}

/// What a [`Line`] is made of.
pub(crate) struct Ends {
    pub(crate) seat: Seat,
    pub(crate) peer: Peer,
    pub(crate) device: ObjectId,
    pub(crate) timeout: Duration,
    pub(crate) retries: u8,
    pub(crate) apdu_max: u16,
    pub(crate) segmented: bool,
    pub(crate) process: u32,
    pub(crate) invoke: u8,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) trace: Trace,
}

impl Line {
    pub(crate) fn new(ends: Ends) -> Self {
        let place = match &ends.peer.station {
            None => format!("device {} at {}", ends.device.instance, ends.peer.address),
            Some(station) => format!(
                "device {} at {} on network {} behind {}",
                ends.device.instance,
                hex::encode(&station.mac),
                station.network,
                ends.peer.address
            ),
        };
        Self {
            seat: ends.seat,
            peer: ends.peer,
            place,
            timeout: ends.timeout,
            retries: ends.retries,
            apdu_max: ends.apdu_max,
            segmented: ends.segmented,
            device: ends.device,
            process: ends.process,
            invoke: ends.invoke,
            answered_at: Instant::now(),
            changes: VecDeque::new(),
            lost_changes: false,
            statistics: ends.statistics,
            trace: ends.trace,
        }
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Who the device is, as it says itself.
    pub(crate) fn is_device(&mut self, device: ObjectId) {
        self.device = device;
    }

    /// Who the device is, as far as it is known.
    pub(crate) fn device(&self) -> ObjectId {
        self.device
    }

    /// The number of the last request.
    pub(crate) fn invoke(&self) -> u8 {
        self.invoke
    }

    /// How long ago the device answered.
    pub(crate) fn idle(&self) -> Duration {
        self.answered_at.elapsed()
    }

    /// How long one answer may take, all tries together.
    pub(crate) fn patience(&self) -> Duration {
        self.timeout * (u32::from(self.retries) + 1)
    }

    /// Changes that were told since the last time.
    pub(crate) fn take_changes(&mut self) -> VecDeque<Notification> {
        std::mem::take(&mut self.changes)
    }

    /// Whether changes were told for which there was no room, since the last time.
    pub(crate) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost_changes)
    }

    /// Asks, and asks again if no answer comes. Only for what may be done twice.
    pub(crate) async fn ask(&mut self, service: u8, body: &[u8]) -> Result<Answer, CallError> {
        self.call(service, body, self.retries).await
    }

    /// Asks once: for what must not be done twice.
    pub(crate) async fn ask_once(&mut self, service: u8, body: &[u8]) -> Result<Answer, CallError> {
        self.call(service, body, 0).await
    }

    async fn call(&mut self, service: u8, body: &[u8], retries: u8) -> Result<Answer, CallError> {
        self.invoke = self.invoke.wrapping_add(1);
        let mut request = apdu::request(self.invoke, service, self.apdu_max, self.segmented);
        request.extend(body);
        let datagram = network::wrap(Way::Unicast, self.peer.station.as_ref(), true, &request);
        for _ in 0..=retries {
            let begun = Instant::now();
            self.send(&datagram).await?;
            if let Some(answer) = self.answer(service, begun).await? {
                self.answered_at = Instant::now();
                self.statistics.answered(begun.elapsed());
                return Ok(answer);
            }
            self.statistics.failed("no_answer");
        }
        Err(CallError::Timeout)
    }

    /// Waits for the answer to the last request; nothing if none comes in time.
    async fn answer(&mut self, service: u8, begun: Instant) -> Result<Option<Answer>, CallError> {
        let (mut until, end) = (begun + self.timeout, begun + self.timeout * PIECES_PATIENCE);
        let mut pieces = Reassembly::default();
        loop {
            // A device that never stops talking is not waited for longer than a silent one.
            if Instant::now() >= until.min(end) {
                return Ok(None);
            }
            let heard = tokio::time::timeout_at(until.min(end), self.seat.receive()).await;
            let Ok(heard) = heard else {
                return Ok(None);
            };
            let Some(message) = self.message(heard)? else {
                continue;
            };
            let parsed = match apdu::parse(&message) {
                Ok(parsed) => parsed,
                Err(_) => {
                    self.statistics.failed("malformed");
                    continue;
                }
            };
            match parsed.answers() {
                None => self.told(&parsed).await?,
                Some(number) if number != self.invoke => self.statistics.failed("late_answer"),
                Some(_) => match self.own(&parsed, service, &mut pieces).await? {
                    Some(answer) => return Ok(Some(answer)),
                    None => until = Instant::now() + self.timeout,
                },
            }
        }
    }

    /// Looks at something that bears the number of the request.
    async fn own(
        &mut self,
        apdu: &Apdu<'_>,
        service: u8,
        pieces: &mut Reassembly,
    ) -> Result<Option<Answer>, CallError> {
        Ok(match *apdu {
            Apdu::Simple { service: of, .. } if of == service => Some(Ok(Vec::new())),
            Apdu::Complex {
                service: of, body, ..
            } if of == service => Some(Ok(body.to_vec())),
            Apdu::Error { class, code, .. } => Some(Err(Refusal::Error(class, code))),
            Apdu::Reject { reason, .. } => Some(Err(Refusal::Reject(reason))),
            Apdu::Abort { reason, .. } => Some(Err(Refusal::Abort(reason))),
            Apdu::Segment(segment) if segment.service == service && self.segmented => {
                self.piece(&segment, pieces).await?
            }
            // The right number and the wrong service: an answer to nothing that was asked.
            _ => {
                self.statistics.failed("foreign_answer");
                Some(Err(Refusal::Nonsense))
            }
        })
    }

    /// Waits for what the device tells unasked. Cancel safe: what is told is kept.
    pub(crate) async fn listen(&mut self) -> Result<(), CallError> {
        let heard = self.seat.receive().await;
        let Some(message) = self.message(heard)? else {
            return Ok(());
        };
        match apdu::parse(&message) {
            Ok(apdu) if apdu.answers().is_some() => self.statistics.failed("late_answer"),
            Ok(apdu) => self.told(&apdu).await?,
            Err(_) => self.statistics.failed("malformed"),
        }
        Ok(())
    }

    /// The message of this device, if it is one.
    fn message(&self, heard: std::io::Result<Heard>) -> Result<Option<Vec<u8>>, CallError> {
        match heard.map_err(|error| CallError::Io(error.to_string()))? {
            Heard::Message { from, apdu } if from == self.peer => {
                let text = || describe::message(&apdu);
                self.trace.frame(Direction::Received, &apdu, text);
                return Ok(Some(apdu));
            }
            Heard::Message { .. } => {}
            Heard::Unreachable => return Err(CallError::Unreachable),
            Heard::Result(0) => {}
            Heard::Result(_) => self.statistics.failed("bbmd_refused"),
            Heard::Foreign => self.statistics.failed("foreign_datagram"),
            Heard::Malformed => self.statistics.failed("malformed"),
        }
        Ok(None)
    }

    async fn send(&self, datagram: &[u8]) -> Result<(), CallError> {
        let text = || describe::datagram(datagram);
        self.trace.frame(Direction::Sent, datagram, text);
        let sent = self.seat.send(self.peer.address, datagram).await;
        sent.map_err(|error| CallError::Io(error.to_string()))
    }
}
