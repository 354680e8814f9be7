//! The record of a request that other nodes had part in: just one, however it ends.

use std::sync::Arc;

use mainstem_model::Clock;
use mainstem_security::{Audit, AuditRecord};

use super::{Errand, Levels};
use crate::Outcome;

/// The record that is written at the end, or when nobody waits any more.
pub(super) struct Record {
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    principal: String,
    action: &'static str,
    target: String,
    is_written: bool,
}

impl Record {
    pub(super) fn begin(levels: &Levels, errand: &Errand, action: &'static str) -> Self {
        Self {
            audit: Arc::clone(&levels.audit),
            clock: Arc::clone(levels.store.clock()),
            principal: errand.caller.principal.to_string(),
            action,
            target: errand.spec.name.to_string(),
            is_written: false,
        }
    }

    /// Writes how it ended, and which nodes it passed.
    pub(super) fn end(&mut self, outcome: &Outcome, hops: &[String]) {
        let (word, why) = match outcome {
            Outcome::Value(_) => ("answered", String::new()),
            Outcome::Error { message, .. } => ("failed", message.clone()),
            Outcome::TimedOut { .. } => ("timed_out", String::new()),
            Outcome::Busy => ("busy", String::new()),
            Outcome::BusAway { cause, .. } => ("away", cause.to_string()),
            Outcome::Refused(cause) => ("refused", cause.to_string()),
            Outcome::Stopping => ("stopped", String::new()),
        };
        self.write(word, hops, &why);
    }

    fn write(&mut self, outcome: &str, hops: &[String], why: &str) {
        self.is_written = true;
        let way = hops.join(" > ");
        let detail = match (way.is_empty(), why.is_empty()) {
            (true, _) => why.to_owned(),
            (false, true) => way,
            (false, false) => format!("{way}: {why}"),
        };
        self.audit.record(AuditRecord {
            at: self.clock.now(),
            principal: self.principal.clone(),
            address: None,
            action: self.action.to_owned(),
            target: self.target.clone(),
            outcome: outcome.to_owned(),
            detail,
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.is_written {
            let why = "nobody answered before the deadline, or who asked went away";
            self.write("no_answer", &[], why);
        }
    }
}
