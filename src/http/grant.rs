//! Whether somebody to whom an endless answer was begun may still have it: a token that was
//! revoked, has expired or is not for this address any more ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::Api;
use crate::arrival::Peer;
use crate::auth::Caller;

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The right to an endless answer.
pub(crate) struct Grant {
    api: Arc<Api>,
    caller: Caller,
    due: Instant,
}

impl Grant {
    pub(crate) fn new(api: &Arc<Api>, caller: &Caller) -> Self {
        Self {
            api: Arc::clone(api),
            caller: caller.clone(),
            due: Instant::now() + LOOK_INTERVAL,
        }
    }

    /// When it has to be looked again.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Whether it holds; looked at only when it is due.
    pub(crate) fn holds(&mut self) -> bool {
        let Peer::Network(address) = self.caller.arrival.peer else {
            return true;
        };
        // An answer to remote support ends with the time for which the node is open.
        if Instant::now() < self.due || self.caller.pass.is_some() {
            return true;
        }
        self.due = Instant::now() + LOOK_INTERVAL;
        let (principal, now) = (&self.caller.principal, self.api.clock().now());
        // A role that was changed lets its clients come again, with the rights that it has now.
        if !self.api.is_as_it_was(principal) {
            return false;
        }
        self.api.tokens.list().iter().any(|token| {
            token.name == principal.name
                && token.role == principal.role
                && token.expires.is_none_or(|expires| now < expires)
                && self.api.may_come_from(token, address.ip())
        })
    }
}
