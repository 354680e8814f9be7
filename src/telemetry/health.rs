//! The board of problems: everything about the node itself that needs a person.

mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use mainstem_model::Clock;
use parking_lot::Mutex;

pub use problem::{Problem, ProblemState, Severity, TEXT_BYTES_MAX};

/// Problems on a board; further ones are counted by one entry with the id [`OVERFLOW_ID`].
pub const PROBLEMS_MAX: usize = 1000;
/// Hooks on one board; further ones are refused.
pub const HOOKS_MAX: usize = 64;
/// The id of the entry that counts what does not fit.
pub const OVERFLOW_ID: &str = "health.overflow";

type Hook = Arc<dyn Fn(u64) + Send + Sync>;

/// The problems of one node. Cheap to clone; all clones are the same board.
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    board: Mutex<Board>,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Board {
    problems: BTreeMap<String, ProblemState>,
    generation: u64,
    overflow: u64,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    list: Vec<(u64, Hook)>,
}

/// Keeps a hook on its board; dropping it takes the hook off.
#[must_use = "the hook is taken off when this is dropped"]
pub struct Subscription {
    id: u64,
    board: Weak<Shared>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(shared) = self.board.upgrade() {
            shared.hooks.lock().list.retain(|(id, _)| *id != self.id);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

impl Health {
    /// An empty board.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (board, hooks) = (Mutex::default(), Mutex::default());
        Self {
            shared: Arc::new(Shared {
                clock,
                board,
                hooks,
            }),
        }
    }

    /// Puts a problem on the board. Raising what stands there already changes nothing; raising it
    /// with other words changes the words and keeps the moment since when it stands.
    pub fn raise(&self, problem: Problem) {
        let now = self.shared.clock.now();
        self.change(|board| board.raise(problem.bounded(), now));
    }

    /// Says that a problem is over. It stays on the board until somebody has acknowledged it.
    pub fn clear(&self, id: &str) {
        let now = self.shared.clock.now();
        self.change(|board| board.clear(id, now));
    }

    /// Says that a person has seen a problem; `false` if there is none with this id.
    pub fn acknowledge(&self, id: &str) -> bool {
        let mut known = false;
        self.change(|board| {
            known = board.problems.contains_key(id);
            board.acknowledge(id)
        });
        known
    }

    /// Every problem, ordered by id.
    pub fn list(&self) -> Vec<ProblemState> {
        self.shared
            .board
            .lock()
            .problems
            .values()
            .cloned()
            .collect()
    }

    /// One problem.
    pub fn get(&self, id: &str) -> Option<ProblemState> {
        self.shared.board.lock().problems.get(id).cloned()
    }

    /// The worst severity of what is active now.
    pub fn worst(&self) -> Option<Severity> {
        let board = self.shared.board.lock();
        let active = board.problems.values().filter(|state| state.active);
        active.map(|state| state.problem.severity).max()
    }

    /// Counts the changes of the board: equal numbers mean an equal board.
    pub fn generation(&self) -> u64 {
        self.shared.board.lock().generation
    }

    /// Has a function called with the new generation after each change, on the thread of whoever
    /// changed the board: it must not block. Nothing if the board has [`HOOKS_MAX`] already.
    pub fn subscribe(&self, hook: impl Fn(u64) + Send + Sync + 'static) -> Option<Subscription> {
        let mut hooks = self.shared.hooks.lock();
        if hooks.list.len() >= HOOKS_MAX {
            return None;
        }
        let id = hooks.next;
        hooks.next += 1;
        hooks.list.push((id, Arc::new(hook)));
        Some(Subscription {
            id,
            board: Arc::downgrade(&self.shared),
        })
    }

    fn change(&self, change: impl FnOnce(&mut Board) -> bool) {
        let generation = {
            let mut board = self.shared.board.lock();
            if !change(&mut board) {
                return;
            }
            board.generation += 1;
            board.generation
        };
        // The locks are released first, so that a hook may read the board or take itself off.
        let hooks: Vec<Hook> = self
            .shared
            .hooks
            .lock()
            .list
            .iter()
            .map(|(_, hook)| Arc::clone(hook))
            .collect();
        for hook in hooks {
            hook(generation);
        }
    }
}

impl Board {
    fn raise(&mut self, problem: Problem, now: mainstem_model::Timestamp) -> bool {
        if let Some(state) = self.problems.get_mut(&problem.id) {
            return state.raise_again(problem, now);
        }
        if self.len() >= PROBLEMS_MAX && !self.evict() {
            self.overflow += 1;
            let overflow = Problem::overflow(self.overflow);
            return match self.problems.get_mut(OVERFLOW_ID) {
                Some(state) => state.raise_again(overflow, now),
                None => self.insert(overflow, now),
            };
        }
        self.insert(problem, now)
    }

    fn insert(&mut self, problem: Problem, now: mainstem_model::Timestamp) -> bool {
        self.problems
            .insert(problem.id.clone(), ProblemState::new(problem, now))
            .is_none()
    }

    fn clear(&mut self, id: &str, now: mainstem_model::Timestamp) -> bool {
        let Some(state) = self.problems.get_mut(id) else {
            return false;
        };
        if !state.active {
            return false;
        }
        state.active = false;
        state.cleared = Some(now);
        if state.acknowledged {
            self.problems.remove(id);
        }
        // With room again, the next raise of what was left out is shown.
        if id != OVERFLOW_ID && self.overflow > 0 && self.len() < PROBLEMS_MAX {
            self.overflow = 0;
            self.clear(OVERFLOW_ID, now);
        }
        true
    }

    fn acknowledge(&mut self, id: &str) -> bool {
        let Some(state) = self.problems.get_mut(id) else {
            return false;
        };
        let changed = !state.acknowledged;
        state.acknowledged = true;
        if !state.active {
            self.problems.remove(id);
        }
        changed
    }

    /// Entries without the one that counts the overflow.
    fn len(&self) -> usize {
        self.problems.len() - usize::from(self.problems.contains_key(OVERFLOW_ID))
    }

    /// Makes room by dropping the problem that has been over for the longest time.
    fn evict(&mut self) -> bool {
        let over = self
            .problems
            .values()
            .filter(|state| state.problem.id != OVERFLOW_ID);
        let over = over.filter(|state| !state.active);
        let oldest = over
            .min_by_key(|state| state.cleared)
            .map(|state| state.problem.id.clone());
        oldest.is_some_and(|id| self.problems.remove(&id).is_some())
    }
}
