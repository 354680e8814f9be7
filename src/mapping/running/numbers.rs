//! What is counted, and the last thing that went wrong.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mainstem_model::{Clock, Monotonic, Timestamp};
use mainstem_telemetry::{Counter, CounterFamily, Health, Metrics, Problem, Severity};
use parking_lot::Mutex;

use super::shared::problem_id;
use crate::limits::{ERROR_CHARS_MAX, LOGGED_PER_MINUTE};

/// After this long without an error a mapping that works again is well.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// What can become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Received,
    Published,
    Held,
    Failed,
    Retained,
    Looping,
    Missed,
    Undelivered,
}

impl What {
    const ALL: [Self; 8] = [
        Self::Received,
        Self::Published,
        Self::Held,
        Self::Failed,
        Self::Retained,
        Self::Looping,
        Self::Missed,
        Self::Undelivered,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Published => "published",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Retained => "retained",
            Self::Looping => "looping",
            Self::Missed => "missed",
            Self::Undelivered => "undelivered",
        }
    }
}

/// The metrics of all mappings.
pub(super) struct Numbers(CounterFamily);

impl Numbers {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let help = "Messages of mappings, by what became of them";
        Self(metrics.counters("mapping_messages", help, &["mapping", "what"]))
    }

    /// The counters of one way.
    pub(super) fn of(&self, mapping: &str) -> WayNumbers {
        WayNumbers {
            mapping: mapping.to_owned(),
            own: Default::default(),
            all: What::ALL.map(|what| self.0.with(&[mapping, what.as_str()])),
            trouble: Mutex::default(),
        }
    }
}

/// The counters of one way: its own, and those of its mapping for the metrics.
pub(super) struct WayNumbers {
    mapping: String,
    own: [AtomicU64; What::ALL.len()],
    all: [Counter; What::ALL.len()],
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    last: Option<(Timestamp, String)>,
    at: Option<Monotonic>,
    raised: bool,
    minute: Option<Monotonic>,
    logged: u32,
}

impl WayNumbers {
    pub(super) fn count(&self, what: What, by: u64) {
        self.own[what as usize].fetch_add(by, Ordering::Relaxed);
        self.all[what as usize].inc_by(by);
    }

    pub(super) fn get(&self, what: What) -> u64 {
        self.own[what as usize].load(Ordering::Relaxed)
    }

    /// Brings a count that somebody else keeps up to date.
    pub(super) fn catch_up(&self, what: What, by_now: u64) {
        let before = self.own[what as usize].swap(by_now, Ordering::Relaxed);
        self.all[what as usize].inc_by(by_now.saturating_sub(before));
    }

    pub(super) fn last_error(&self) -> Option<(Timestamp, String)> {
        self.trouble.lock().last.clone()
    }

    /// Something went wrong: kept, told on the board, and logged a few times a minute.
    pub(super) fn error(&self, text: &str, clock: &dyn Clock, health: &Health) {
        let text: String = text.chars().take(ERROR_CHARS_MAX).collect();
        let now = clock.monotonic();
        let mut trouble = self.trouble.lock();
        let in_minute = trouble
            .minute
            .is_some_and(|begun| now.since(begun) < Duration::from_secs(60));
        if !in_minute {
            (trouble.minute, trouble.logged) = (Some(now), 0);
        }
        trouble.logged += 1;
        if trouble.logged <= LOGGED_PER_MINUTE {
            tracing::warn!(mapping = self.mapping, "{text}");
        }
        let is_new = !std::mem::replace(&mut trouble.raised, true);
        trouble.at = Some(now);
        trouble.last = Some((clock.now(), text.clone()));
        drop(trouble);
        if is_new {
            health.raise(Problem {
                id: problem_id(&self.mapping),
                severity: Severity::Warning,
                source: "mappings".to_owned(),
                text: format!("The mapping {} fails: {text}", self.mapping),
                action: format!(
                    "Look at its last errors with `mainstem mappings`, and try its rules with \
                     `mainstem mappings try --mapping {}`.",
                    self.mapping
                ),
            });
        }
    }

    /// A message went through: after a while without errors the mapping is well.
    pub(super) fn went_well(&self, now: Monotonic, health: &Health) {
        let mut trouble = self.trouble.lock();
        let is_over = trouble.at.is_some_and(|at| now.since(at) >= WELL_AFTER);
        if trouble.raised && is_over {
            trouble.raised = false;
            drop(trouble);
            health.clear(&problem_id(&self.mapping));
        }
    }
}
