//! A reader's place among those that the node serves at the same time.

use std::sync::Arc;

use mainstem_model::Pacing;
use tokio::sync::OwnedSemaphorePermit;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::readers::Reading;

/// Seconds after which a reader that found no place may come again.
const RETRY_AFTER: u64 = 5;

/// One place, and the session of a link that sits on it. Dropped, both are free again.
pub(super) struct Seat {
    api: Arc<Api>,
    session: u64,
    /// What is shown of it.
    pub(super) reading: Arc<Reading>,
    _permit: OwnedSemaphorePermit,
}

impl Seat {
    pub(super) fn take(
        api: &Arc<Api>,
        caller: &Caller,
        way: &'static str,
        pacing: Pacing,
    ) -> Result<Self, Problem> {
        let Ok(permit) = Arc::clone(&api.readers).try_acquire_owned() else {
            api.counters.readers_refused.inc();
            let detail = format!(
                "{} readers of changes are served already",
                api.limits.readers
            );
            return Err(Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER));
        };
        api.counters.readers.inc();
        let clock = api.clock();
        let now = (clock.now(), clock.monotonic());
        Ok(Self {
            reading: api.readings.begin(caller, way, pacing, now),
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
            self.reading.is_link(self.session);
        }
        self.session
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.api.counters.readers.dec();
        self.api.readings.end(&self.reading);
        if self.session != 0 {
            self.api.serving.close(self.session);
        }
    }
}
