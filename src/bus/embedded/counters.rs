//! What the broker counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::gate::{Gate, Refused};
use super::limits::REFUSALS_TOLD_MAX;

const TOLD_WINDOW: Duration = Duration::from_secs(1);

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted as it happens.
pub(super) struct Counters {
    gate: Arc<dyn Gate>,
    /// Messages that this node published.
    pub(super) published: Count,
    /// Messages that came to subscriptions of this node.
    pub(super) delivered: Count,
    /// Messages that were dropped because a subscription of this node was too slow.
    pub(super) missed: Count,
    refused: Mutex<Refusals>,
}

#[derive(Default)]
struct Refusals {
    by_word: BTreeMap<&'static str, u64>,
    window: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Counters {
    pub(super) fn new(gate: Arc<dyn Gate>) -> Self {
        Self {
            gate,
            published: Count::default(),
            delivered: Count::default(),
            missed: Count::default(),
            refused: Mutex::default(),
        }
    }

    /// Counts a refusal, and tells the node of it unless it has just been told of many.
    pub(super) fn refuse(&self, refused: &Refused) {
        let more = {
            let mut refusals = self.refused.lock();
            *refusals.by_word.entry(refused.breach.word()).or_default() += 1;
            let now = Instant::now();
            let is_over = |since: Instant| now.duration_since(since) >= TOLD_WINDOW;
            if refusals.window.is_none_or(is_over) {
                refusals.window = Some(now);
                refusals.told = 0;
            }
            if refusals.told >= REFUSALS_TOLD_MAX {
                refusals.untold += 1;
                return;
            }
            refusals.told += 1;
            std::mem::take(&mut refusals.untold)
        };
        self.gate.refused(refused, more);
    }

    pub(super) fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.refused.lock().by_word.clone()
    }
}

/// What a broker has counted since its start, and what it holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerCounts {
    /// Clients that are connected.
    pub clients: u64,
    /// Sessions, of clients that are connected and of those that are expected back.
    pub sessions: u64,
    /// Filters that somebody has subscribed to.
    pub filters: u64,
    /// Retained messages.
    pub retained: u64,
    /// Bytes of their topics and payloads.
    pub retained_bytes: u64,
    /// Connections since the start.
    pub connections: u64,
    /// Messages that clients have published.
    pub received: u64,
    /// Messages that were sent to clients.
    pub sent: u64,
    /// Messages that this node has published.
    pub published: u64,
    /// Messages that came to subscriptions of this node.
    pub delivered: u64,
    /// Messages that were dropped because a subscription of this node was too slow.
    pub missed: u64,
    /// What was refused, by its word.
    pub refused: BTreeMap<&'static str, u64>,
}
