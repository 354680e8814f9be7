//! The tree of names, level by level: what stands directly below a path, for who walks through it.

use std::ops::Bound::{Excluded, Included, Unbounded};

use mainstem_model::{GlobSet, Name};

use crate::Store;
use crate::state::State;

/// Names looked at under one lock while a level is searched for what may be seen.
const LOOK_MAX: usize = 10_000;
/// Behind every name below a path: the last character there is stands in no name.
const BEHIND_ALL: char = char::MAX;

/// What stands directly below a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its whole path.
    pub path: String,
    /// Whether a datapoint has this very name, and may be seen.
    pub is_point: bool,
}

/// A part of a level, and where to go on if there is more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// In the order of their names.
    pub branches: Vec<Branch>,
    /// What to give as `after` for the next part.
    pub next: Option<String>,
}

impl Store {
    /// What stands directly below a path, or at the top, of what somebody may see; at most so much.
    pub fn level(
        &self,
        path: Option<&str>,
        after: Option<&str>,
        seen: &GlobSet,
        most: usize,
    ) -> Level {
        let prefix = path.map_or_else(String::new, |path| format!("{path}."));
        let mut walk = Walk {
            at: after.unwrap_or(&prefix).to_owned(),
            is_first: after.is_none(),
            prefix,
            seen,
            branches: Vec::new(),
        };
        while walk.branches.len() < most {
            let goes_on = self.read(|state| {
                let mut looks = 0..LOOK_MAX;
                looks.all(|_| walk.branches.len() < most && walk.step(state))
                    || walk.branches.len() >= most
            });
            if !goes_on {
                return Level {
                    branches: walk.branches,
                    next: None,
                };
            }
        }
        Level {
            branches: walk.branches,
            next: Some(walk.at),
        }
    }

    /// Whether there are datapoints below a path that somebody may see.
    pub fn has_below(&self, path: &str, seen: &GlobSet) -> bool {
        seen.may_allow_below(path) && self.read(|state| state.catalogue.has_below(path))
    }
}

/// A walk along one level.
struct Walk<'s> {
    prefix: String,
    /// Where it is.
    at: String,
    /// Whether `at` itself was not looked at.
    is_first: bool,
    seen: &'s GlobSet,
    branches: Vec<Branch>,
}

impl Walk<'_> {
    /// Looks at the next name; false behind the last one of the level.
    fn step(&mut self, state: &State) -> bool {
        let names = &state.catalogue;
        let from = match std::mem::take(&mut self.is_first) {
            true => Included(self.at.as_str()),
            false => Excluded(self.at.as_str()),
        };
        let Some(name) = names.first_name((from, Unbounded)) else {
            return false;
        };
        let Some(rest) = name.as_str().strip_prefix(self.prefix.as_str()) else {
            return false;
        };
        match rest.split_once('.') {
            None => {
                name.as_str().clone_into(&mut self.at);
                let is_point = sees(state, self.seen, name);
                if is_point || self.has_visible_below(state, name.as_str()) {
                    let path = self.at.clone();
                    self.branches.push(Branch { path, is_point });
                }
            }
            Some((segment, _)) => {
                let path = format!("{}{segment}", self.prefix);
                self.at = format!("{path}.{BEHIND_ALL}");
                // A datapoint of that name was met before what is below it.
                if !names.has_name(&path) && self.seen.may_allow_below(&path) {
                    let is_point = false;
                    self.branches.push(Branch { path, is_point });
                }
            }
        }
        true
    }

    fn has_visible_below(&self, state: &State, path: &str) -> bool {
        self.seen.may_allow_below(path) && state.catalogue.has_below(path)
    }
}

/// Patterns speak of what a datapoint was called before, too.
fn sees(state: &State, seen: &GlobSet, name: &Name) -> bool {
    let former = state.former(name);
    let former = former.iter().map(Name::as_str);
    seen.decide(std::iter::once(name.as_str()).chain(former))
        .allowed
}

#[cfg(test)]
mod tests;
