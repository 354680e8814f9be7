//! Carries requests that a node above holds down to the remote, under the write filter of the
//! remote entry. Nothing is stored and nothing is asked twice: somebody may have acted on it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use mainstem_model::{Monotonic, Name, Space};
use mainstem_wire::api::{LinkHeld, LinkHold};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::explain::{Reach, filter};
use super::{Link, one_way};
use crate::connection::{Poster, RequestError};

/// Requests under way over one link.
pub(super) const HELD_MAX: usize = 1024;
/// How long the answer may travel beyond the deadline.
const GRACE: Duration = Duration::from_millis(500);
/// How long the first beats of a new connection are waited for.
const BEATS_PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether they were there.
const BEATS_LOOK: Duration = Duration::from_millis(20);
/// Nodes that a request may have passed.
const ORIGINATORS_MAX: usize = 8;

impl Link {
    /// Has a request held by the node behind this link. The name is the one that the server node
    /// has here; the answer tells the nodes that it reached.
    pub fn hold(
        &self,
        mut ask: LinkHold,
        deadline: Monotonic,
    ) -> impl Future<Output = LinkHeld> + Send + use<> {
        let prefix = &self.options.prefix;
        let filtered = match (self.options.one_way, Name::new(&ask.name)) {
            (true, _) => Err(one_way::sentence(&self.options)),
            (_, Err(error)) => Err(error.to_string()),
            (_, Ok(name)) => filter(&self.options, &self.store, Space::Datapoint, &name),
        };
        let below = ask.name.strip_prefix(prefix);
        let below = below.and_then(|rest| rest.strip_prefix('.'));
        ask.name = below.unwrap_or(&ask.name).to_owned();
        let (reach, clock) = (Arc::clone(&self.reach), Arc::clone(self.store.clock()));
        let place = self.holding.clone().try_acquire_owned();
        async move {
            if let Err(why) = filtered {
                return LinkHeld::because("refused", why, false);
            }
            if ask.originators.len() > ORIGINATORS_MAX {
                return LinkHeld::because("refused", "it passed too many nodes", false);
            }
            let Ok(_place) = place else {
                return LinkHeld::because("busy", "too many requests are under way", false);
            };
            let Some((poster, session)) = timed(&reach).await else {
                let why = "there is no communication with the remote";
                return LinkHeld::because("link_down", why, false);
            };
            let now = clock.monotonic();
            let left = deadline.since(now);
            (ask.session, ask.sent) = (session, now.micros());
            ask.budget_us = u64::try_from(left.as_micros()).unwrap_or(u64::MAX);
            post(&poster, &ask, left).await
        }
    }
}

/// The connection and the session by whose beats a request can be timed. Where it was just opened,
/// the first beats are waited for.
async fn timed(reach: &Mutex<Reach>) -> Option<(Poster, u64)> {
    let until = Instant::now() + BEATS_PATIENCE;
    loop {
        let (poster, session) = {
            let reach = reach.lock();
            (reach.poster.clone(), reach.session)
        };
        match poster {
            None => return None,
            Some(poster) if session != 0 => return Some((poster, session)),
            Some(_) if Instant::now() >= until => return None,
            Some(_) => tokio::time::sleep(BEATS_LOOK).await,
        }
    }
}

async fn post(poster: &Poster, ask: &LinkHold, left: Duration) -> LinkHeld {
    let body = serde_json::to_vec(ask).unwrap_or_default();
    let answer = poster.post::<LinkHeld>("/api/v1/link/flowsync", body);
    match tokio::time::timeout(left + GRACE, answer).await {
        Ok(Ok(held)) => held,
        Ok(Err(error)) => failed(&error),
        Err(_) => LinkHeld::because("timed_out", "the remote did not answer in time", true),
    }
}

fn failed(error: &RequestError) -> LinkHeld {
    match error {
        RequestError::Refused { status, .. } if *status == StatusCode::NOT_FOUND => {
            let why = "the remote holds no requests: its version is older";
            LinkHeld::because("refused", why, false)
        }
        RequestError::Refused { message, .. } => {
            LinkHeld::because("refused", message.clone(), false)
        }
        RequestError::Answer(what) => {
            let why = format!("the remote's answer cannot be used: {what}");
            LinkHeld::because("link_lost", why, true)
        }
        lost => {
            let why = format!("{lost}; whether somebody acted on the request is not known");
            LinkHeld::because("link_lost", why, true)
        }
    }
}
