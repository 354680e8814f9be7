//! One task for each server node: it has the subscription to `/tres` and ends requests by what
//! comes there.

use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{Message, Subscription, TopicFilter};

use crate::node::Seat;
use crate::numbers::Stray;
use crate::reply::{self, Reply};
use crate::shared::Shared;
use crate::table::NoMatch;
use crate::{AnsweredBy, Outcome};

/// Replies that wait to be taken; more are dropped and counted.
const WAITING_MAX: usize = 8192;
/// After a refused subscription.
const RETRY: Duration = Duration::from_millis(500);
/// What is said while the broker has not granted the subscription yet.
pub(crate) const NOT_YET: &str = "the replies are not subscribed yet";
const STOPPED: &str = "the bus was stopped";

/// Takes replies until the server node or the node ends.
pub(crate) async fn listen(shared: Arc<Shared>, seat: Arc<Seat>) {
    let ended = seat.ended.clone();
    let is_here = seat.spec.answered_by == AnsweredBy::Here;
    tokio::select! {
        () = take(&shared, &seat), if is_here => {}
        () = ended.cancelled() => {}
        () = shared.stopping.cancelled() => {}
    }
    shared.end_all(Some(seat.key), || Outcome::Stopping);
}

async fn take(shared: &Shared, seat: &Seat) {
    let filter = TopicFilter::from(&seat.replies);
    loop {
        match shared
            .bus
            .subscribe(std::slice::from_ref(&filter), WAITING_MAX)
            .await
        {
            Ok(mut replies) => {
                seat.away.send_replace(None);
                read(shared, seat, &mut replies).await;
                seat.away.send_replace(Some(STOPPED.into()));
            }
            Err(error) => {
                let why: Arc<str> = error.to_string().into();
                let is_new = seat.away.borrow().as_ref() != Some(&why);
                if is_new {
                    tracing::warn!(node = %seat.spec.name, %why, "replies are not subscribed");
                }
                seat.away.send_replace(Some(why));
            }
        }
        shared.pause(RETRY).await;
    }
}

async fn read(shared: &Shared, seat: &Seat, replies: &mut Subscription) {
    // A new subscription counts from zero.
    seat.numbers.missed(0);
    while let Some(message) = replies.next().await {
        if let Err(why) = answer(shared, seat, &message) {
            seat.numbers.stray(why).inc();
            tracing::debug!(node = %seat.spec.name, why = why.as_str(), "a reply answers nobody");
        }
        seat.numbers.missed(replies.missed());
    }
}

/// Ends the request that a message answers.
fn answer(shared: &Shared, seat: &Seat, message: &Message) -> Result<(), Stray> {
    if message.retained {
        return Err(Stray::Retained);
    }
    let (id, reply) = reply::parse(&message.payload).ok_or(Stray::Malformed)?;
    let open = shared.table.lock().reply(seat.key, id);
    let open = open.map_err(|why| match why {
        NoMatch::Late => Stray::Late,
        NoMatch::Doubled => Stray::Doubled,
        NoMatch::Foreign => Stray::Foreign,
        NoMatch::Unknown => Stray::Unknown,
    })?;
    let outcome = match reply {
        Reply::Value(value) => Outcome::Value(value),
        Reply::Error { code, message } => Outcome::Error { code, message },
    };
    shared.end(open, outcome);
    Ok(())
}
