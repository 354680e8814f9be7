//! Holding one request: the waiter first, then the message, then the wait.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{BusState, Publication, PublishError};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::levels::Errand;
use crate::listen::NOT_YET;
use crate::node::Seat;
use crate::shared::{Shared, Waiter};
use crate::table::{NotOpened, Open};
use crate::{AnsweredBy, Caller, Outcome, TransactionId, reply};

/// What is said where a request has to leave the node and cannot.
const NO_TREE: &str = "this node has no way to other nodes";

/// Gives the place back of a request whose holder went away.
struct Place<'a> {
    shared: &'a Shared,
    id: TransactionId,
    is_held: bool,
}

impl Place<'_> {
    /// Ends the request itself, unless somebody has just done it.
    fn end(&self, outcome: Outcome) {
        let open = self.shared.table.lock().cancel(self.id);
        if let Some(open) = open {
            self.shared.end(open, outcome);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let open = self.shared.table.lock().cancel(self.id);
        if let Some(open) = open {
            self.shared.gone(open);
        }
    }
}

pub(crate) async fn hold(
    shared: &Shared,
    seat: &Arc<Seat>,
    value: &RawValue,
    caller: Caller,
    most: Duration,
) -> Outcome {
    if seat.ended.is_cancelled() {
        return Outcome::Stopping;
    }
    if let Some(cause) = away(shared, seat) {
        return Outcome::BusAway { cause, told: false };
    }
    let (id, at) = (TransactionId::random(), shared.clock.now());
    let (opened, (sender, answer)) = (shared.clock.monotonic(), oneshot::channel());
    let deadline = opened.after(seat.spec.timeout.min(most));
    let asker = (!is_here(seat)).then(|| caller.clone());
    let open = Open {
        id,
        node: seat.key,
        deadline,
        waiter: Waiter {
            seat: Arc::clone(seat),
            caller,
            at,
            opened,
            answer: sender,
        },
    };
    let place = shared.table.lock().open(open);
    match place {
        Ok(wakes) => {
            shared.numbers.open.inc();
            if wakes {
                shared.sooner.notify_one();
            }
        }
        Err(NotOpened::Full) => {
            seat.numbers.busy.inc();
            return Outcome::Busy;
        }
        Err(NotOpened::Closed) => return Outcome::Stopping,
    }
    let mut place = Place {
        shared,
        id,
        is_held: true,
    };
    let outcome = match asker {
        None => {
            let publication = Publication {
                topic: seat.requests.clone(),
                payload: reply::request(id, at.micros() / 1000, value),
                qos: seat.spec.qos,
                retain: false,
            };
            told(shared, publication, &place, answer).await
        }
        Some(caller) => {
            let errand = Errand {
                id,
                spec: seat.spec.clone(),
                value: value.to_owned(),
                caller,
                deadline,
            };
            elsewhere(shared, errand, &place, answer).await
        }
    };
    place.is_held = false;
    outcome
}

fn is_here(seat: &Seat) -> bool {
    seat.spec.answered_by == AnsweredBy::Here
}

/// Why nothing can be held now.
fn away(shared: &Shared, seat: &Seat) -> Option<Arc<str>> {
    if !is_here(seat) {
        return None;
    }
    if let BusState::Down(outage) = &*shared.bus.state().borrow() {
        return Some(Arc::clone(&outage.cause));
    }
    seat.away.borrow().clone()
}

/// Has another node answer, and waits for the end.
async fn elsewhere(
    shared: &Shared,
    errand: Errand,
    place: &Place<'_>,
    answer: oneshot::Receiver<Outcome>,
) -> Outcome {
    let Some(levels) = shared.levels.get() else {
        place.end(Outcome::Refused(NO_TREE.into()));
        return answer.await.unwrap_or(Outcome::Stopping);
    };
    let mut answer = pin!(answer);
    let ended = tokio::select! {
        biased;
        outcome = &mut answer => return outcome.unwrap_or(Outcome::Stopping),
        ended = levels.ask(errand) => ended,
    };
    place.end(ended);
    answer.await.unwrap_or(Outcome::Stopping)
}

/// Publishes the request and waits for its end; the reply may come before the acknowledgement.
async fn told(
    shared: &Shared,
    publication: Publication,
    place: &Place<'_>,
    answer: oneshot::Receiver<Outcome>,
) -> Outcome {
    let mut answer = pin!(answer);
    let publish = shared.bus.publish(publication);
    let sent = tokio::select! {
        biased;
        outcome = &mut answer => return outcome.unwrap_or(Outcome::Stopping),
        sent = publish => sent,
    };
    if let Err(error) = sent {
        place.end(not_told(error));
    }
    answer.await.unwrap_or(Outcome::Stopping)
}

fn not_told(error: PublishError) -> Outcome {
    match error {
        // The connection may have broken after the message had left.
        PublishError::Away(cause) => Outcome::BusAway { cause, told: true },
        PublishError::Refused(cause) => Outcome::Refused(cause),
        error @ (PublishError::TooLarge { .. } | PublishError::Busy) => {
            Outcome::Refused(error.to_string().into())
        }
    }
}

/// The reason of a server node that was just made.
pub(crate) fn not_yet() -> Arc<str> {
    NOT_YET.into()
}
