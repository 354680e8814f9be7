//! A reader's place among those that the node serves at the same time.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// Seconds after which a reader that found no place may come again.
const RETRY_AFTER: u64 = 5;

/// One place, and the session of a link that sits on it. Dropped, both are free again.
pub(super) struct Seat {
    api: Arc<Api>,
    session: u64,
    _permit: OwnedSemaphorePermit,
}

impl Seat {
    pub(super) fn take(api: &Arc<Api>) -> Result<Self, Problem> {
        let Ok(permit) = Arc::clone(&api.readers).try_acquire_owned() else {
            api.counters.readers_refused.inc();
            let detail = format!(
                "{} readers of changes are served already",
                api.limits.readers
            );
            return Err(Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER));
        };
        api.counters.readers.inc();
        Ok(Self {
            api: Arc::clone(api),
            session: 0,
            _permit: permit,
        })
    }

    /// Whether a link sits here.
    pub(super) fn has_session(&self) -> bool {
        self.session != 0
    }

    /// Opens a session for beats, for who may have one. Its number, 0 for none.
    pub(super) fn open_session(&mut self, caller: &Caller) -> u64 {
        if caller.principal.rights.link && self.session == 0 {
            self.session = self.api.serving.open(&caller.principal.name);
        }
        self.session
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.api.counters.readers.dec();
        if self.session != 0 {
            self.api.serving.close(self.session);
        }
    }
}
