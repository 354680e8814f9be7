//! What is said unasked: changes, introductions, and the receipts for pieces.

use tokio::time::Instant;

use super::{Answer, CHANGES_MAX, CallError, Line, NOT_IN_PIECES, UNKNOWN_SUBSCRIPTION};
use crate::codec::ObjectId;
use crate::codec::apdu::{self, Apdu, Segment};
use crate::codec::network::{self, Way};
use crate::codec::reassembly::{Reassembly, Step};
use crate::codec::service::{self, COV_CONFIRMED, COV_UNCONFIRMED, I_AM};
use crate::fault::Refusal;

impl Line {
    /// Asks the device by Who-Is who it is.
    pub(crate) async fn introduced(&mut self) -> Result<Option<ObjectId>, CallError> {
        let question = service::who_is(None);
        let station = self.peer.station.as_ref();
        let datagram = network::wrap(Way::Unicast, station, false, &question);
        for _ in 0..=self.retries {
            let until = Instant::now() + self.timeout;
            self.send(&datagram).await?;
            while Instant::now() < until {
                let heard = tokio::time::timeout_at(until, self.seat.receive()).await;
                let Ok(heard) = heard else {
                    break;
                };
                if let Some(message) = self.message(heard)?
                    && let Ok(Apdu::Told {
                        service: I_AM,
                        body,
                    }) = apdu::parse(&message)
                    && let Ok(said) = service::i_am(body)
                {
                    return Ok(Some(said.device));
                }
            }
        }
        Ok(None)
    }

    /// Takes what the device says of itself, and gives it the receipt that it wants.
    pub(super) async fn told(&mut self, apdu: &Apdu<'_>) -> Result<(), CallError> {
        match *apdu {
            Apdu::Told { service, body } if service == COV_UNCONFIRMED => {
                self.change(body);
            }
            Apdu::Request {
                invoke,
                service,
                body,
            } if service == COV_CONFIRMED => {
                let (class, code) = UNKNOWN_SUBSCRIPTION;
                let reply = match self.change(body) {
                    true => apdu::simple(invoke, service),
                    false => apdu::refuse(invoke, service, class, code),
                };
                self.reply(&reply).await?;
            }
            Apdu::Request { invoke, .. } => self.reply(&apdu::reject_unknown(invoke)).await?,
            Apdu::LongRequest { invoke } => {
                let mut abort = apdu::abort(invoke, NOT_IN_PIECES);
                // The mark of the one who was asked.
                abort[0] |= 1;
                self.reply(&abort).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Keeps a change, if it belongs to a subscription of this connection.
    fn change(&mut self, body: &[u8]) -> bool {
        let Ok(change) = service::notification(body) else {
            self.statistics.failed("malformed");
            return false;
        };
        if change.process != self.process || change.device != self.device {
            self.statistics.failed("foreign_notification");
            return false;
        }
        if self.changes.len() == CHANGES_MAX {
            self.statistics.failed("changes_lost");
            self.lost_changes = true;
        } else {
            self.changes.push_back(change);
        }
        true
    }

    /// Takes a piece of an answer; the whole of it after the last.
    pub(super) async fn piece(
        &mut self,
        segment: &Segment<'_>,
        pieces: &mut Reassembly,
    ) -> Result<Option<Answer>, CallError> {
        let invoke = segment.invoke;
        let ack = |sequence, window, again| apdu::segment_ack(invoke, sequence, window, again);
        let (reply, answer) = match pieces.take(segment) {
            Step::Wait => return Ok(None),
            Step::Ack { sequence, window } => (ack(sequence, window, false), None),
            Step::Again { sequence, window } => {
                self.statistics.failed("segment_again");
                (ack(sequence, window, true), None)
            }
            Step::Whole {
                sequence,
                window,
                body,
                ..
            } => (ack(sequence, window, false), Some(Ok(body))),
            Step::GiveUp => (apdu::abort(invoke, 1), Some(Err(Refusal::Nonsense))),
        };
        self.reply(&reply).await?;
        Ok(answer)
    }

    async fn reply(&self, apdu: &[u8]) -> Result<(), CallError> {
        let station = self.peer.station.as_ref();
        self.send(&network::wrap(Way::Unicast, station, false, apdu))
            .await
    }

    /// Gives subscriptions up without waiting for a word: they end by themselves otherwise.
    pub(crate) fn forget(&mut self, objects: impl Iterator<Item = ObjectId>) {
        for object in objects {
            self.invoke = self.invoke.wrapping_add(1);
            let invoke = self.invoke;
            let mut request = apdu::request(invoke, service::SUBSCRIBE_COV, self.apdu_max, false);
            service::subscribe(&mut request, self.process, object, None);
            let station = self.peer.station.as_ref();
            let datagram = network::wrap(Way::Unicast, station, true, &request);
            self.seat.send_now(self.peer.address, &datagram);
        }
    }
}
