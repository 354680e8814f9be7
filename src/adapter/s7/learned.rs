//! What answers have taught about a CPU; kept over sessions. Pure.

use std::collections::BTreeSet;

use mainstem_adapter::polled::{RETRIES_PER_TURN, Refusals};
use mainstem_model::{Monotonic, Reason};

use crate::block::{Block, Member};

/// The experience with one CPU.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// The addresses that it does not give.
    pub(crate) refusals: Refusals,
    /// Read alone, because an item that they shared was refused.
    apart: BTreeSet<usize>,
    version: u64,
}

impl Learned {
    /// Grows when the items have to be planned anew.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Whether a binding has to be read alone.
    pub(crate) fn is_apart(&self, binding: usize) -> bool {
        self.apart.contains(&binding)
    }

    /// An item for several addresses was refused.
    pub(crate) fn divided(&mut self, block: &Block) {
        self.apart.extend(block.members.iter().map(|(at, _)| *at));
        self.version += 1;
    }

    /// A binding was refused by itself. Returns whether that is news.
    pub(crate) fn refused(&mut self, binding: usize, reason: Reason, now: Monotonic) -> bool {
        let is_news = self.refusals.add(binding, reason, now);
        if is_news {
            // That was the reason, and those beside it are innocent.
            self.apart.clear();
            self.version += 1;
        }
        is_news
    }

    /// An item was answered; whoever was believed to be bad is not.
    pub(crate) fn answered(&mut self, block: &Block) {
        let mut members = block.members.iter();
        if members.any(|(at, _)| self.refusals.answered(*at)) {
            self.version += 1;
        }
    }

    /// Refused bindings among these that are to be tried again now.
    pub(crate) fn retries(&mut self, members: &[Member], now: Monotonic) -> Vec<Block> {
        let due = members.iter();
        let due = due.filter(|(at, _)| self.refusals.take_due(*at, now));
        let singles = due.take(RETRIES_PER_TURN);
        singles.map(|member| Block::single(*member)).collect()
    }
}
