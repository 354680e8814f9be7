//! What refusals have taught about a CPU; kept over sessions. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mainstem_model::{Monotonic, Reason};

use crate::block::{Block, Member};

/// After how long a refused address is tried again: a CPU gets a new program now and then.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Refused addresses tried again in one turn at most, so that the good ones are not held up.
pub(crate) const RETRIES_PER_TURN: usize = 40;

/// The experience with one CPU.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    bad: BTreeMap<usize, Bad>,
    /// Read alone, because an item that they shared was refused.
    apart: BTreeSet<usize>,
    version: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    reason: Reason,
    retry_at: Monotonic,
}

impl Learned {
    /// Grows when the items have to be planned anew.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Whether a binding is known to be refused.
    pub(crate) fn is_bad(&self, binding: usize) -> bool {
        self.bad.contains_key(&binding)
    }

    /// Whether a binding has to be read alone.
    pub(crate) fn is_apart(&self, binding: usize) -> bool {
        self.apart.contains(&binding)
    }

    /// The refused bindings and what to say about them.
    pub(crate) fn bad(&self) -> impl Iterator<Item = (usize, Reason)> {
        self.bad.iter().map(|(at, bad)| (*at, bad.reason))
    }

    /// A session begins: what was refused is tried again as soon as possible.
    pub(crate) fn begin(&mut self, now: Monotonic) {
        for bad in self.bad.values_mut() {
            bad.retry_at = now;
        }
    }

    /// An item for several addresses was refused.
    pub(crate) fn divided(&mut self, block: &Block) {
        self.apart.extend(block.members.iter().map(|(at, _)| *at));
        self.version += 1;
    }

    /// A binding was refused by itself. Returns whether that is news.
    pub(crate) fn refused(&mut self, binding: usize, reason: Reason, now: Monotonic) -> bool {
        let retry_at = now.after(RETRY_AFTER);
        let is_news = self.bad.insert(binding, Bad { reason, retry_at }).is_none();
        if is_news {
            // That was the reason, and those beside it are innocent.
            self.apart.clear();
            self.version += 1;
        }
        is_news
    }

    /// An item was answered; whoever was believed to be bad is not.
    pub(crate) fn answered(&mut self, block: &Block) {
        if !self.bad.is_empty() && block.members.iter().any(|(at, _)| self.is_bad(*at)) {
            // What changed at one address most likely changed at more: all are tried again soon.
            self.bad.clear();
            self.version += 1;
        }
    }

    /// Refused bindings among these that are to be tried again now.
    pub(crate) fn retries(&mut self, members: &[Member], now: Monotonic) -> Vec<Block> {
        let mut due = Vec::new();
        for member in members {
            if due.len() == RETRIES_PER_TURN || self.bad.is_empty() {
                break;
            }
            if let Some(bad) = self.bad.get_mut(&member.0)
                && bad.retry_at <= now
            {
                bad.retry_at = now.after(RETRY_AFTER);
                due.push(Block::single(*member));
            }
        }
        due
    }
}
