//! What is counted, for each server node and in all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mainstem_telemetry::{Counter, CounterFamily, Gauge, Histogram, Metrics};

use crate::Ending;

/// Upper ends of the buckets of the time that requests were held, in seconds.
const BUCKETS: [f64; 10] = [0.0002, 0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 10.0, 60.0];

/// Why a message on `/tres` answered nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// The request had ended without an answer.
    Late,
    /// The request had been answered.
    Doubled,
    /// The request is another server node's.
    Foreign,
    /// No request ever had the id, or it is long over.
    Unknown,
    /// It is no reply.
    Malformed,
    /// The broker had kept it from before.
    Retained,
}

impl Stray {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Late,
        Self::Doubled,
        Self::Foreign,
        Self::Unknown,
        Self::Malformed,
        Self::Retained,
    ];

    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Doubled => "doubled",
            Self::Foreign => "foreign",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
            Self::Retained => "retained",
        }
    }
}

/// The metrics of all server nodes.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) open: Gauge,
    seconds: Histogram,
    ended: CounterFamily,
    strays: CounterFamily,
    busy: CounterFamily,
    missed: CounterFamily,
}

impl Numbers {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let family = |name, help, labels| metrics.counters(name, help, labels);
        Self {
            open: metrics.gauge("flowsync_open", "Requests that are held"),
            seconds: metrics.histogram(
                "flowsync_seconds",
                "How long requests were held until they were answered, in seconds",
                &BUCKETS,
            ),
            ended: family(
                "flowsync_requests",
                "Held requests that have ended, by how",
                &["node", "ending"],
            ),
            strays: family(
                "flowsync_stray_replies",
                "Replies that answered nobody, by why",
                &["node", "why"],
            ),
            busy: family(
                "flowsync_refused",
                "Requests that were not held since the table was full",
                &["node"],
            ),
            missed: family(
                "flowsync_replies_missed",
                "Replies that came faster than they could be taken",
                &["node"],
            ),
        }
    }

    /// The counters of one server node.
    pub(crate) fn of(&self, node: &str) -> NodeNumbers {
        NodeNumbers {
            ended: Ending::ALL.map(|ending| self.ended.with(&[node, ending.as_str()])),
            strays: Stray::ALL.map(|why| self.strays.with(&[node, why.as_str()])),
            busy: self.busy.with(&[node]),
            missed: self.missed.with(&[node]),
            missed_told: AtomicU64::new(0),
            seconds: self.seconds.clone(),
        }
    }
}

/// The counters of one server node.
#[derive(Debug)]
pub(crate) struct NodeNumbers {
    ended: [Counter; Ending::ALL.len()],
    strays: [Counter; Stray::ALL.len()],
    pub(crate) busy: Counter,
    pub(crate) missed: Counter,
    missed_told: AtomicU64,
    seconds: Histogram,
}

impl NodeNumbers {
    pub(crate) fn ended(&self, ending: Ending) -> &Counter {
        &self.ended[ending as usize]
    }

    pub(crate) fn stray(&self, why: Stray) -> &Counter {
        &self.strays[why as usize]
    }

    pub(crate) fn took(&self, time: Duration) {
        self.seconds.observe(time.as_secs_f64());
    }

    /// Takes over how many the present subscription has missed.
    pub(crate) fn missed(&self, by_now: u64) {
        let before = self.missed_told.swap(by_now, Ordering::Relaxed);
        self.missed.inc_by(by_now.saturating_sub(before));
    }
}
