//! The lives of the neighbour: which copy of it answers, and whether it is what it was. A life has
//! random bits of its own, so one that is met again after another one is still running: then there
//! are two copies of the node.

use std::collections::HashSet;

use mainstem_model::Role;
use mainstem_store::SourceId;
use mainstem_wire::{Epoch, HelloFrame};

use super::{Mirror, MirrorError};

/// Lives remembered; of more than that the oldest is forgotten.
const LIVES_MAX: usize = 16;

#[derive(Default)]
pub(super) struct Lives {
    /// The copies are declared: each may answer.
    is_pair: bool,
    /// Those met, in the order in which they were met first; the last one that was let in.
    met: Vec<Epoch>,
    current: Option<Epoch>,
    /// Those that came later than one that is still running.
    refused: Vec<Epoch>,
    put_back: Option<PutBack>,
    /// Sources further down that were told with an earlier epoch than the known one.
    doubted: HashSet<u32>,
}

/// A neighbour that was put back to an earlier state: it counts its starts anew from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The start that was known here.
    pub known: u32,
    /// The start that it says now.
    pub told: u32,
}

impl Lives {
    pub(super) fn doubt(&mut self, remote_id: u32) {
        self.doubted.insert(remote_id);
    }

    pub(super) fn doubt_nothing(&mut self) {
        self.doubted.clear();
    }

    /// A life says hello; whether it may stay.
    fn meet(&mut self, life: Epoch) -> bool {
        if self.is_pair || self.current == Some(life) {
            self.current = Some(life);
            return true;
        }
        if self.refused.contains(&life) {
            return false;
        }
        match self.met.iter().position(|met| *met == life) {
            // It was here before those that came after it, and has not ended.
            Some(at) => self.refused.extend(self.met.drain(at + 1..)),
            None => self.met.push(life),
        }
        let surplus = |lives: &Vec<Epoch>| lives.len().saturating_sub(LIVES_MAX);
        self.met.drain(..surplus(&self.met));
        self.refused.drain(..surplus(&self.refused));
        self.current = Some(life);
        true
    }
}

impl Mirror {
    /// For a neighbour of which there are two copies, each with its own key, that may both answer.
    #[must_use]
    pub fn with_pair(mut self, is_pair: bool) -> Self {
        self.lives.is_pair = is_pair;
        self
    }

    /// Whether the neighbour was put back to an earlier state, as far as it has not got beyond it.
    pub fn put_back_to(&self) -> Option<PutBack> {
        self.lives.put_back
    }

    /// Whether two copies of the neighbour were met.
    pub fn has_twin(&self) -> bool {
        !self.lives.refused.is_empty()
    }

    pub(super) fn meet(&mut self, hello: &HelloFrame) -> Result<(), MirrorError> {
        if !self.lives.meet(hello.epoch) {
            return Err(MirrorError::Twin(hello.name.clone()));
        }
        let beyond = |put_back: &PutBack| hello.epoch.counter > put_back.known;
        if self.lives.put_back.as_ref().is_some_and(beyond) {
            self.lives.put_back = None;
        }
        Ok(())
    }

    /// An earlier epoch from further down may be what the neighbour remembers from before its own
    /// restart. It is true when the neighbour vouches for all links on the way there: a node was
    /// put back, and the one that would have noticed was too, or lost its memory. What was told of
    /// it so far was taken for old, so everything is read anew.
    pub(super) fn judge_doubted(&mut self) -> Result<(), MirrorError> {
        if self.lives.doubted.is_empty() || self.seen.is_some() {
            return Ok(());
        }
        let mut doubted = std::mem::take(&mut self.lives.doubted);
        let mut has_lifted = false;
        doubted.retain(|remote_id| {
            let Some(mapped) = self.sources.get(remote_id) else {
                return false;
            };
            let is_vouched = self.is_vouched(mapped.id);
            has_lifted |= is_vouched && self.store.believe(mapped.id);
            !is_vouched
        });
        self.lives.doubted = doubted;
        if !has_lifted {
            return Ok(());
        }
        self.store.forget_cursor(self.link);
        self.tell_all(MirrorError::Restored)
    }

    /// Whether the neighbour says that all its links on the way to a source are good.
    fn is_vouched(&self, id: SourceId) -> bool {
        let mut at = Some(id);
        while let Some(view) = at.and_then(|id| self.store.source(id)) {
            if view.id == self.link {
                return true;
            }
            if view.role == Role::Link && !view.own.quality.is_good() {
                return false;
            }
            at = view.parent;
        }
        false
    }

    /// A source of the neighbour itself was told with an epoch from before the known one.
    pub(super) fn put_back(&mut self, known: Epoch, told: Epoch) -> Result<(), MirrorError> {
        if !self.lives.is_pair {
            let before = self.lives.put_back.map_or(0, |put_back| put_back.known);
            self.lives.put_back = Some(PutBack {
                known: known.counter.max(before),
                told: told.counter,
            });
        }
        self.distrust_same()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(random: u64) -> Epoch {
        Epoch { counter: 5, random }
    }

    #[test]
    fn a_life_that_comes_back_shows_that_the_one_between_is_a_copy() {
        let mut lives = Lives::default();
        for random in [1, 1, 2, 2, 3] {
            assert!(lives.meet(life(random)), "restarts: {random}");
        }
        assert!(lives.meet(life(2)), "it was here first");
        assert!(!lives.meet(life(3)), "it came later");
        assert!(lives.meet(life(2)));
        assert!(lives.meet(life(4)), "a restart of either");
        assert!(!lives.meet(life(3)));
    }

    #[test]
    fn a_declared_pair_may_alternate_and_memory_is_bounded() {
        let mut pair = Lives {
            is_pair: true,
            ..Lives::default()
        };
        assert!(
            [1, 2, 1, 2, 1]
                .iter()
                .all(|random| pair.meet(life(*random)))
        );
        let mut lives = Lives::default();
        for random in 0..1000 {
            assert!(lives.meet(life(random)));
        }
        assert_eq!(lives.met.len(), LIVES_MAX);
    }
}
