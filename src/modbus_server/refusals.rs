//! What was not let in and not carried out: counted all, told to the audit now and then.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mainstem_model::Clock;
use mainstem_security::{Audit, AuditRecord};
use mainstem_telemetry::{CounterFamily, Metrics};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::exception::Exception;
use crate::limits::{AUDIT_EVERY, AUDITED_MAX};

/// What was refused at one server.
pub(crate) struct Refusals {
    server: String,
    family: CounterFamily,
    exceptions: CounterFamily,
    requests: CounterFamily,
    total: AtomicU64,
    answered: AtomicU64,
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    told: Mutex<HashMap<(IpAddr, &'static str), Instant>>,
}

impl Refusals {
    pub(crate) fn new(
        server: &str,
        metrics: &Metrics,
        audit: &Arc<Audit>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let family = |name, help, labels| metrics.counters(name, help, labels);
        Self {
            server: server.to_owned(),
            family: family(
                "modbus_server_refused",
                "Modbus connections and requests that were refused, by reason",
                &["server", "reason"],
            ),
            exceptions: family(
                "modbus_server_exceptions",
                "Modbus requests that were answered with an exception, by its code",
                &["server", "code"],
            ),
            requests: family(
                "modbus_server_requests",
                "Modbus requests that were answered, exceptions included",
                &["server"],
            ),
            total: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            audit: Arc::clone(audit),
            clock: Arc::clone(clock),
            told: Mutex::default(),
        }
    }

    /// Counts a refusal and tells the audit, unless it has just been told the same.
    pub(crate) fn tell(&self, ip: IpAddr, reason: &'static str, detail: &str) {
        self.family.with(&[&self.server, reason]).inc();
        self.total.fetch_add(1, Ordering::Relaxed);
        if !self.is_news(ip, reason) {
            return;
        }
        tracing::info!(server = self.server, %ip, reason, detail, "a Modbus client was refused");
        self.audit.record(AuditRecord {
            at: self.clock.now(),
            principal: format!("modbus:{}", self.server),
            address: Some(ip.to_string()),
            action: "modbus".to_owned(),
            target: self.server.clone(),
            outcome: "denied".to_owned(),
            detail: format!("{reason}: {detail}"),
        });
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, exception: Option<Exception>) {
        self.requests.with(&[&self.server]).inc();
        self.answered.fetch_add(1, Ordering::Relaxed);
        if let Some(exception) = exception {
            self.exceptions
                .with(&[&self.server, exception.word()])
                .inc();
        }
    }

    /// Requests answered since the start.
    pub(crate) fn requests(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Refusals since the start.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn is_news(&self, ip: IpAddr, reason: &'static str) -> bool {
        let (now, mut told) = (Instant::now(), self.told.lock());
        let is_old = |at: &Instant| now.duration_since(*at) >= AUDIT_EVERY;
        if told.get(&(ip, reason)).is_some_and(|at| !is_old(at)) {
            return false;
        }
        if told.len() >= AUDITED_MAX {
            told.retain(|_, at| !is_old(at));
        }
        // Whoever comes from ever new addresses is counted, and fills no disk.
        if told.len() >= AUDITED_MAX {
            return false;
        }
        told.insert((ip, reason), now);
        true
    }
}
