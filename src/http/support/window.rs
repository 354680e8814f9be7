//! The time for which a node is open for remote support. It lives in memory only: a restart closes
//! it.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Monotonic, Timestamp};
use mainstem_security::{AuditRecord, Role};
use mainstem_telemetry::{Problem as HealthProblem, Severity};
use mainstem_wire::api::SupportDocument;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// The shortest and the longest time for which a node is opened.
pub(super) const DURATION_MIN: Duration = Duration::from_secs(1);
pub(super) const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);
/// Requests of remote support under way at this node.
const UNDER_WAY_MAX: usize = 16;
const ALARM: &str = "support.open";

/// The section `support:` of the node file: as whom remote support acts. Without it the node cannot
/// be opened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportConfig {
    /// The role whose rights whoever comes has.
    pub role: String,
}

/// Whether the node is open.
pub(crate) struct Support {
    current: Mutex<Current>,
    pub(super) under_way: Arc<Semaphore>,
}

#[derive(Default)]
struct Current {
    config: Option<SupportConfig>,
    window: Option<Window>,
}

struct Window {
    until: Monotonic,
    until_wall: Timestamp,
    opened_by: String,
    /// Cancelled when the time is over, however it ends.
    over: CancellationToken,
}

/// What holds for one request of remote support.
pub(super) struct Admitted {
    pub(super) role: String,
    pub(super) rights: Arc<Role>,
    pub(super) over: CancellationToken,
}

impl Default for Support {
    fn default() -> Self {
        Self {
            current: Mutex::default(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
        }
    }
}

impl Api {
    /// Takes over the section `support:`. A changed one closes the node.
    pub fn set_support(&self, config: Option<&SupportConfig>) {
        let ended = {
            let mut current = self.support.current.lock();
            if current.config.as_ref() == config {
                return;
            }
            current.config = config.cloned();
            current.window.take()
        };
        if let Some(window) = ended {
            self.ended(&window, "reload", "configuration");
        }
    }

    /// Closes the node when its time is over.
    pub(crate) fn end_expired_support(&self) {
        let now = self.clock().monotonic();
        let ended = {
            let mut current = self.support.current.lock();
            let is_over = |window: &mut Window| now >= window.until;
            current.window.take_if(is_over)
        };
        if let Some(window) = ended {
            self.ended(&window, "expired", "node");
        }
    }

    pub(super) fn open_support(&self, caller: &Caller, duration: Duration) -> Result<(), Problem> {
        let (now, wall) = (self.clock().monotonic(), self.clock().now());
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let until_wall = Timestamp::from_micros(wall.micros().saturating_add(micros));
        let role = {
            let mut current = self.support.current.lock();
            let role = current.config.as_ref().map(|config| config.role.clone());
            if role.is_some() {
                // Who is under way goes on when the time is changed.
                let before = current.window.take().map(|window| window.over);
                current.window = Some(Window {
                    until: now.after(duration),
                    until_wall,
                    opened_by: caller.principal.name.clone(),
                    over: before.unwrap_or_default(),
                });
            }
            role
        };
        let outcome = if role.is_some() { "done" } else { "refused" };
        let role = role.ok_or_else(|| {
            let detail = "the node file names no role for it: add `support: { role: … }`";
            Problem::new(Code::Conflict, detail)
        });
        let detail = match &role {
            Ok(role) => format!("for {duration:?} as role {role}"),
            Err(_) => String::new(),
        };
        self.note_with(caller, "support.open", "node", outcome, detail);
        let role = role?;
        self.health.raise(HealthProblem {
            id: ALARM.to_owned(),
            severity: Severity::Info,
            source: "support".to_owned(),
            text: format!("The node is open for remote support as role {role} until {until_wall}."),
            action: "`mainstem support close` ends it before.".to_owned(),
        });
        Ok(())
    }

    pub(super) fn close_support(&self, caller: &Caller) {
        let ended = self.support.current.lock().window.take();
        let outcome = if ended.is_some() {
            "done"
        } else {
            "was closed"
        };
        if let Some(window) = ended {
            window.over.cancel();
            self.health.clear(ALARM);
        }
        self.note(caller, "support.close", "node", outcome);
    }

    /// The rights of a request that comes now, if the node is open.
    pub(super) fn support_admits(&self) -> Option<Admitted> {
        let now = self.clock().monotonic();
        let (role, over) = {
            let current = self.support.current.lock();
            let window = current
                .window
                .as_ref()
                .filter(|window| now < window.until)?;
            (current.config.as_ref()?.role.clone(), window.over.clone())
        };
        let rights = self.role(&role)?;
        Some(Admitted { role, rights, over })
    }

    pub(super) fn support_document(&self) -> SupportDocument {
        let now = self.clock().monotonic();
        let current = self.support.current.lock();
        let window = current.window.as_ref().filter(|window| now < window.until);
        SupportDocument {
            open: window.is_some(),
            role: current.config.as_ref().map(|config| config.role.clone()),
            until: window.map(|window| window.until_wall),
            opened_by: window.map(|window| window.opened_by.clone()),
        }
    }

    fn ended(&self, window: &Window, outcome: &str, principal: &str) {
        window.over.cancel();
        self.health.clear(ALARM);
        self.record(AuditRecord {
            at: self.clock().now(),
            principal: principal.to_owned(),
            address: None,
            action: "support.close".to_owned(),
            target: "node".to_owned(),
            outcome: outcome.to_owned(),
            detail: format!("opened by {}", window.opened_by),
        });
    }
}
