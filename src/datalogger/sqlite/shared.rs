//! What the callers, the writing thread and the settling thread share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use mainstem_model::Clock;
use mainstem_telemetry::Health;
use parking_lot::{Condvar, Mutex, RwLock};

use super::catalogue::Catalogue;
use super::config::SqliteConfig;
use super::edits::Edits;
use super::ledger::Ledger;
use super::part::Part;
use super::queue::Queue;
use super::rolled::Rolled;
use super::watch::Busy;
use crate::numbers::Numbers;
use crate::{Fault, SeriesId};

/// Everything of one store.
pub(super) struct Shared {
    pub(super) config: SqliteConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    /// Where the store lies, as its log id remembers it.
    pub(super) mark: String,
    pub(super) catalogue: Catalogue,
    pub(super) queue: Queue,
    /// The parts in the order of their numbers; the last one is written.
    pub(super) parts: RwLock<Vec<Arc<Part>>>,
    /// Which rows are acknowledged.
    pub(super) numbers: RwLock<HashMap<SeriesId, Numbers>>,
    pub(super) edits: Edits,
    pub(super) rolled: Rolled,
    pub(super) ledger: Ledger,
    /// Held while rows are stored a second time.
    pub(super) restoring: Mutex<()>,
    /// Why nothing is taken now.
    pub(super) trouble: Mutex<Option<String>>,
    pub(super) settling: Settling,
    pub(super) busy: Busy,
    pub(super) counters: Counters,
    /// Damage found since the start.
    pub(super) faults: Mutex<Vec<Fault>>,
    pub(super) started: Instant,
}

/// Figures since the start.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) acknowledged: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) commits: AtomicU64,
}

/// How the settling thread is woken and stopped.
#[derive(Default)]
pub(super) struct Settling {
    pub(super) state: Mutex<SettlingState>,
    pub(super) news: Condvar,
    pub(super) stopping: AtomicBool,
}

/// What the settling thread is asked for.
#[derive(Default)]
pub(super) struct SettlingState {
    /// Somebody waits until everything is settled.
    pub(super) wanted: u64,
    /// The last such wish that was granted.
    pub(super) granted: u64,
    /// Since when the oldest row is staged.
    pub(super) staged_since: Option<Instant>,
    /// There is so much that it should not wait for its age.
    pub(super) due: bool,
    /// The thread is to panic, for the test of what happens then.
    #[cfg(test)]
    pub(super) defect: std::cell::Cell<bool>,
}

impl Shared {
    pub(super) fn active(&self) -> Option<Arc<Part>> {
        self.parts.read().last().cloned()
    }

    pub(super) fn part_list(&self) -> Vec<Arc<Part>> {
        self.parts.read().clone()
    }

    /// Rows that are staged in all parts.
    pub(super) fn staged(&self) -> u64 {
        let parts = self.parts.read();
        parts.iter().map(|part| part.figures().staged).sum()
    }
}

impl Settling {
    /// Says that rows were staged.
    pub(super) fn staged(&self, enough: bool) {
        let mut state = self.state.lock();
        state.staged_since.get_or_insert_with(Instant::now);
        if enough && !state.due {
            state.due = true;
            drop(state);
            self.news.notify_all();
        }
    }

    /// Waits for news at most so long.
    pub(super) fn rest(&self, patience: Duration) {
        let mut state = self.state.lock();
        if !state.due && state.wanted == state.granted {
            self.news.wait_for(&mut state, patience);
        }
    }
}
