//! What refusals have taught about one table of one unit; kept over sessions. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::{Monotonic, Reason};

use crate::block::{Barriers, Block, Member, Span};

/// After how long a refused address is tried again: a device gets a new program now and then.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Refused addresses tried again in one cycle at most, so that the good ones are not held up.
pub(crate) const RETRIES_PER_CYCLE: usize = 4;
/// Boundaries remembered per table; a device that needs more is read in smaller steps anyway.
const CUTS_MAX: usize = 4096;
/// Failing blocks counted per table; a device with more of them is not asked about addresses.
const FAILING_MAX: usize = 1024;
/// How often in a row a block must answer "device failure" before an address is suspected.
const FAILURES_MAX: u8 = 3;

/// The experience with one table of one unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    cuts: Vec<Cut>,
    bad: BTreeMap<usize, Bad>,
    failures: BTreeMap<Span, u8>,
    version: u64,
}

/// A boundary at which a refused block was divided.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: u16,
    /// The block that was refused. If an address in it turns out bad, that was the reason, and
    /// the boundary is innocent.
    within: Span,
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    span: Span,
    reason: Reason,
    retry_at: Monotonic,
}

impl Learned {
    /// Grows when the blocks have to be planned anew.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Where requests must not go.
    pub(crate) fn barriers(&self) -> Barriers {
        Barriers {
            cuts: self.cuts.iter().map(|cut| cut.at).collect(),
            holes: self.bad.values().map(|bad| bad.span).collect(),
        }
    }

    /// Whether a binding is known to be refused.
    pub(crate) fn is_bad(&self, binding: usize) -> bool {
        self.bad.contains_key(&binding)
    }

    /// The refused bindings and what to say about them.
    pub(crate) fn bad(&self) -> impl Iterator<Item = (usize, Reason)> {
        self.bad.iter().map(|(binding, bad)| (*binding, bad.reason))
    }

    /// The device refused a block that was then divided.
    pub(crate) fn divided(&mut self, block: Span, at: u16) {
        if self.cuts.len() < CUTS_MAX && !self.cuts.iter().any(|cut| cut.at == at) {
            self.cuts.push(Cut { at, within: block });
            self.version += 1;
        }
    }

    /// The device refused a binding by itself.
    pub(crate) fn refused(&mut self, member: Member, reason: Reason, now: Monotonic) {
        let (binding, span) = member;
        let bad = Bad {
            span,
            reason,
            retry_at: now.after(RETRY_AFTER),
        };
        if self.bad.insert(binding, bad).is_none() {
            self.cuts.retain(|cut| !cut.within.overlaps(span));
            self.version += 1;
        }
    }

    /// A block was answered. Returns whether a binding in it was believed to be bad.
    pub(crate) fn answered(&mut self, block: &Block) -> bool {
        if !self.failures.is_empty() {
            self.failures.remove(&block.span);
        }
        if self.bad.is_empty() || !block.members.iter().any(|(index, _)| self.is_bad(*index)) {
            return false;
        }
        // What changed at one address most likely changed at more: all are tried again soon.
        self.bad.clear();
        self.version += 1;
        true
    }

    /// A block answered "device failure". Returns whether this happens so steadily that an
    /// address must be the reason.
    pub(crate) fn failed(&mut self, block: Span) -> bool {
        if self.failures.len() >= FAILING_MAX {
            self.failures.clear();
        }
        let count = self.failures.entry(block).or_default();
        *count = count.saturating_add(1);
        *count >= FAILURES_MAX
    }

    /// Refused bindings among these that are to be tried again now.
    pub(crate) fn retries(&mut self, members: &[Member], now: Monotonic) -> Vec<Block> {
        let mut due = Vec::new();
        for member in members {
            if due.len() == RETRIES_PER_CYCLE {
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

#[cfg(test)]
mod tests;
