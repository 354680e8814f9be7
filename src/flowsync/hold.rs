//! Holding one request: the waiter first, then the message, then the wait.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{BusState, Publication, PublishError};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::listen::NOT_YET;
use crate::shared::{Shared, Waiter};
use crate::table::{NotOpened, Open};
use crate::{Caller, Node, Outcome, TransactionId, reply};

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

pub(crate) async fn hold(node: &Node, value: &RawValue, caller: Caller, most: Duration) -> Outcome {
    let (shared, seat) = (&*node.shared, &node.seat);
    if seat.ended.is_cancelled() {
        return Outcome::Stopping;
    }
    if let Some(cause) = away(node) {
        return Outcome::BusAway { cause, told: false };
    }
    let (id, at) = (TransactionId::random(), shared.clock.now());
    let payload = reply::request(id, at.micros() / 1000, value);
    let (opened, (sender, answer)) = (shared.clock.monotonic(), oneshot::channel());
    let open = Open {
        id,
        node: seat.key,
        deadline: opened.after(seat.spec.timeout.min(most)),
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
    let publication = Publication {
        topic: seat.requests.clone(),
        payload,
        qos: seat.spec.qos,
        retain: false,
    };
    let outcome = told(shared, publication, &place, answer).await;
    place.is_held = false;
    outcome
}

/// Why nothing can be held now.
fn away(node: &Node) -> Option<Arc<str>> {
    if let BusState::Down(outage) = &*node.shared.bus.state().borrow() {
        return Some(Arc::clone(&outage.cause));
    }
    node.seat.away.borrow().clone()
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
