//! Refused `/set` messages in the audit trail, at most so many a second.

use std::sync::Arc;

use mainstem_model::{Clock, Monotonic};
use mainstem_security::{Audit, AuditRecord};
use parking_lot::Mutex;

/// Records a second; the next one says how many went before it.
pub(crate) const RECORDS_MAX: u32 = 20;
/// Characters of a topic that are noted.
const TARGET_CHARS_MAX: usize = 300;

pub(crate) struct Refusals {
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    since: Monotonic,
    noted: u32,
    unsaid: u64,
}

impl Refusals {
    pub(crate) fn new(audit: Arc<Audit>, clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::new(State {
            since: clock.monotonic(),
            ..State::default()
        });
        Self {
            audit,
            clock,
            state,
        }
    }

    /// Notes that somebody's message was refused, and why.
    pub(crate) fn note(&self, publisher: Option<&str>, topic: &str, why: &str) {
        let Some(more) = self.room() else { return };
        let unsaid = match more {
            0 => String::new(),
            more => format!("; {more} more before it"),
        };
        self.audit.record(AuditRecord {
            at: self.clock.now(),
            principal: publisher.unwrap_or("unknown").to_owned(),
            address: None,
            action: "bus.set".to_owned(),
            target: topic.chars().take(TARGET_CHARS_MAX).collect(),
            outcome: "refused".to_owned(),
            detail: format!("{why}{unsaid}"),
        });
    }

    fn room(&self) -> Option<u64> {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        if now.since(state.since).as_secs() >= 1 {
            state.since = now;
            state.noted = 0;
        }
        if state.noted >= RECORDS_MAX {
            state.unsaid += 1;
            return None;
        }
        state.noted += 1;
        Some(std::mem::take(&mut state.unsaid))
    }
}
