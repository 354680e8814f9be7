//! The table of open transactions: who waits, until when, and what a message with an id means. It
//! is pure: no clock, no socket, no randomness.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};

use mainstem_model::Monotonic;

use crate::TransactionId;

/// Ended transactions that are remembered, to tell a late reply from a guessed one.
pub(crate) const ENDED_MAX: usize = 20_000;

/// Which server node a transaction is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeKey(pub(crate) u64);

/// An open transaction with whoever waits for its end.
#[derive(Debug)]
pub(crate) struct Open<W> {
    pub(crate) id: TransactionId,
    pub(crate) node: NodeKey,
    pub(crate) deadline: Monotonic,
    pub(crate) waiter: W,
}

/// Why a transaction is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// As many are open as may be, of this node or in all.
    Full,
    /// The table is closed.
    Closed,
}

/// Why a reply answers nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMatch {
    /// The transaction ended without an answer.
    Late,
    /// It was answered before.
    Doubled,
    /// It is another node's.
    Foreign,
    /// Nobody knows it.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    node: NodeKey,
    was_answered: bool,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table<W> {
    open: HashMap<TransactionId, Open<W>>,
    deadlines: BTreeSet<(Monotonic, TransactionId)>,
    of_node: HashMap<NodeKey, usize>,
    ended: HashMap<TransactionId, Ended>,
    ended_order: VecDeque<TransactionId>,
    /// When whoever looks after the deadlines looks again; the far future while he sleeps.
    armed: Monotonic,
    open_max: usize,
    of_node_max: usize,
    is_closed: bool,
}

/// After every reading of a clock.
const NEVER: Monotonic = Monotonic::from_micros(u64::MAX);

impl<W> Table<W> {
    pub(crate) fn new(open_max: usize, of_node_max: usize) -> Self {
        Self {
            open: HashMap::new(),
            deadlines: BTreeSet::new(),
            of_node: HashMap::new(),
            ended: HashMap::new(),
            ended_order: VecDeque::new(),
            armed: NEVER,
            open_max,
            of_node_max,
            is_closed: false,
        }
    }

    /// Opens a transaction. Tells whether whoever looks after the deadlines has to be woken, since
    /// he would look too late.
    pub(crate) fn open(&mut self, open: Open<W>) -> Result<bool, NotOpened> {
        if self.is_closed {
            return Err(NotOpened::Closed);
        }
        let of_node = self.of_node.get(&open.node).copied().unwrap_or(0);
        let is_known = self.open.contains_key(&open.id);
        if self.open.len() >= self.open_max || of_node >= self.of_node_max || is_known {
            return Err(NotOpened::Full);
        }
        self.of_node.insert(open.node, of_node + 1);
        self.deadlines.insert((open.deadline, open.id));
        let wakes = open.deadline < self.armed;
        if wakes {
            self.armed = open.deadline;
        }
        self.open.insert(open.id, open);
        Ok(wakes)
    }

    /// The transaction of a node that a reply ends.
    pub(crate) fn reply(&mut self, node: NodeKey, id: TransactionId) -> Result<Open<W>, NoMatch> {
        if let Some(open) = self.open.get(&id) {
            if open.node != node {
                return Err(NoMatch::Foreign);
            }
            return self.end(id, true).ok_or(NoMatch::Unknown);
        }
        Err(match self.ended.get(&id) {
            None => NoMatch::Unknown,
            Some(ended) if ended.node != node => NoMatch::Foreign,
            Some(ended) if ended.was_answered => NoMatch::Doubled,
            Some(_) => NoMatch::Late,
        })
    }

    /// Takes out a transaction for which nobody waits any more.
    pub(crate) fn cancel(&mut self, id: TransactionId) -> Option<Open<W>> {
        self.end(id, false)
    }

    /// Takes out at most `most` of those whose deadline has come, the oldest first.
    pub(crate) fn expire(&mut self, now: Monotonic, most: usize) -> Vec<Open<W>> {
        let due = self.deadlines.iter().take(most);
        let due = due.take_while(|(deadline, _)| *deadline <= now);
        let due: Vec<TransactionId> = due.map(|(_, id)| *id).collect();
        due.into_iter()
            .filter_map(|id| self.end(id, false))
            .collect()
    }

    /// When the next deadline is; whoever asks looks again then, or sleeps until he is woken.
    pub(crate) fn arm(&mut self) -> Option<Monotonic> {
        let next = self.deadlines.first().map(|(deadline, _)| *deadline);
        self.armed = next.unwrap_or(NEVER);
        next
    }

    /// Takes out all of them, or those of one node.
    pub(crate) fn take(&mut self, node: Option<NodeKey>) -> Vec<Open<W>> {
        let wanted = |open: &&Open<W>| node.is_none_or(|node| open.node == node);
        let ids: Vec<TransactionId> = self
            .open
            .values()
            .filter(wanted)
            .map(|open| open.id)
            .collect();
        ids.into_iter()
            .filter_map(|id| self.end(id, false))
            .collect()
    }

    /// Opens none any more.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// The open ones, the nearest deadline first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Open<W>> {
        self.deadlines
            .iter()
            .filter_map(|(_, id)| self.open.get(id))
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// How many of a node are open.
    pub(crate) fn len_of(&self, node: NodeKey) -> usize {
        self.of_node.get(&node).copied().unwrap_or(0)
    }

    fn end(&mut self, id: TransactionId, was_answered: bool) -> Option<Open<W>> {
        let open = self.open.remove(&id)?;
        self.deadlines.remove(&(open.deadline, id));
        if let Some(count) = self.of_node.get_mut(&open.node) {
            *count -= 1;
            if *count == 0 {
                self.of_node.remove(&open.node);
            }
        }
        if self.ended_order.len() >= ENDED_MAX
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
        let node = open.node;
        self.ended.insert(id, Ended { node, was_answered });
        self.ended_order.push_back(id);
        Some(open)
    }
}
