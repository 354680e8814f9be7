//! The audit record of every outcome and refusal, and the counters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Space, WriteState};
use mainstem_security::{Audit, AuditRecord};
use parking_lot::Mutex;

use crate::check::{shorten, shown};
use crate::pulse::Pulse;
use crate::{Entry, Refusal, Request, WriteRecord};

/// Reasons that are counted apart; devices have codes of their own, further ones share `other`.
const REASONS_MAX: usize = 64;

/// What the desk has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteCounters {
    /// Requests that became writes and were begun.
    pub accepted: u64,
    /// Writes that the device confirmed.
    pub applied: u64,
    /// Writes refused here, below or by the device, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Writes too late to be carried out.
    pub expired: u64,
    /// Writes of which nobody can tell; some may be cleared up later.
    pub unknown: u64,
    /// Requests that did not become writes.
    pub refused: u64,
    /// Writes open now.
    pub open: u64,
    /// Writes kept now.
    pub kept: u64,
}

pub(crate) struct Trail {
    audit: Arc<Audit>,
    counters: Mutex<WriteCounters>,
}

impl Trail {
    pub(crate) fn new(audit: Arc<Audit>) -> Self {
        Self {
            audit,
            counters: Mutex::default(),
        }
    }

    pub(crate) fn counters(&self) -> WriteCounters {
        self.counters.lock().clone()
    }

    pub(crate) fn accepted(&self) {
        self.counters.lock().accepted += 1;
    }

    /// An outcome, whatever it is and however it came about.
    pub(crate) fn outcome(&self, record: &WriteRecord, value: &str, at: Moment) {
        self.count(record);
        let outcome = &record.outcome;
        let mut detail = format!("id={}", record.id);
        let took = at.took.map(|took| format!("{} ms", took.as_millis()));
        let claimed = (!record.originators.is_empty()).then(|| record.originators.join(" > "));
        let verified = outcome.verified.then(|| "yes".to_owned());
        let parts = [
            ("value", (!value.is_empty()).then(|| value.to_owned())),
            ("key", record.key.clone()),
            ("by", claimed),
            ("verified", verified),
            ("took", took),
            ("hop", outcome.hop.clone()),
            ("reason", outcome.reason.clone()),
            ("message", outcome.message.clone()),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                detail = format!("{detail} {name}={part}");
            }
        }
        self.audit.record(AuditRecord {
            at: at.wall,
            principal: record.principal.clone(),
            address: record.address.clone(),
            action: action(record.space).to_owned(),
            target: record.name.clone(),
            outcome: outcome.state.as_str().to_owned(),
            detail,
        });
    }

    /// What became of the reset of a pulse.
    pub(crate) fn reset(&self, pulse: &Pulse, outcome: &str, why: &str, at: Moment) {
        self.audit.record(AuditRecord {
            at: at.wall,
            principal: "node".to_owned(),
            address: None,
            action: "pulse.reset".to_owned(),
            target: pulse.name.to_string(),
            outcome: outcome.to_owned(),
            detail: format!("id={} value={} {why}", pulse.id, shown(&pulse.rest)),
        });
    }

    /// A request that did not become a write.
    pub(crate) fn refused(&self, request: &Request, refusal: &Refusal, at: Moment) {
        self.counters.lock().refused += 1;
        let (address, claimed) = match &request.entry {
            Entry::Client { address, .. } => (address.clone(), String::new()),
            Entry::Link { originators, .. } => {
                let shown: Vec<_> = originators.iter().take(8).map(|who| shorten(who)).collect();
                (None, format!(" by={}", shown.join(" > ")))
            }
        };
        self.audit.record(AuditRecord {
            at: at.wall,
            principal: request.entry.principal().name.clone(),
            address,
            action: action(request.space).to_owned(),
            target: request.name.chars().take(255).collect(),
            outcome: "refused".to_owned(),
            detail: format!(
                "value={}{claimed} reason={refusal}",
                shorten(request.value.get())
            ),
        });
    }

    fn count(&self, record: &WriteRecord) {
        let mut counters = self.counters.lock();
        match record.outcome.state {
            WriteState::Applied => counters.applied += 1,
            WriteState::Expired => counters.expired += 1,
            WriteState::Unknown => counters.unknown += 1,
            WriteState::Rejected => {
                let reason = record.outcome.reason.as_deref().unwrap_or("other");
                let room = counters.rejected.len() < REASONS_MAX;
                let known = room || counters.rejected.contains_key(reason);
                let reason = if known { reason } else { "other" };
                *counters.rejected.entry(reason.to_owned()).or_default() += 1;
            }
            WriteState::Accepted | WriteState::Forwarded => {}
        }
    }
}

/// What the audit log calls a write.
fn action(space: Space) -> &'static str {
    match space {
        Space::Datapoint => "write",
        Space::Variable => "variable.write",
    }
}

/// When something ended, and how long it took, if that is known.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall: mainstem_model::Timestamp,
    pub(crate) took: Option<Duration>,
}
