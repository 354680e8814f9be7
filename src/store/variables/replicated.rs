//! Variables that came over a link.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_model::{Name, Timestamp};

use super::change::Text;
use super::{Stamp, VariableError};
use crate::state::{Moment, State};
use crate::{SourceId, Store};

/// A variable as a neighbour told it, under its name here.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorVariable {
    /// Its name here.
    pub name: Name,
    /// Its text.
    pub value: Arc<str>,
    /// Our number of its source.
    pub source: SourceId,
    /// When it was set, by the clock of its origin.
    pub time: Timestamp,
    /// Which text of its origin that is.
    pub stamp: Stamp,
}

impl Store {
    /// Sets a variable of a link's neighbour. Returns whether that was a change.
    pub fn put_mirror_variable(
        &self,
        link: SourceId,
        told: MirrorVariable,
        catchup: bool,
    ) -> Result<bool, VariableError> {
        self.change(|state, at| {
            let known = state.variables.get(told.name.as_str());
            let known = known.map(|(_, known)| known.source);
            // At the neighbour it hangs on another source now, perhaps of another node.
            if known.is_some_and(|id| id != told.source && state.sources.is_below(id, link)) {
                state.take_variable(&told.name, Stamp::default(), at.wall, catchup);
            }
            let text = Text {
                source: told.source,
                value: told.value,
                time: told.time,
                stamp: Some(told.stamp),
                catchup,
            };
            state.put_variable(&told.name, text, at)
        })
    }

    /// Removes a variable of a link's neighbour. Returns whether it was there.
    pub fn remove_mirror_variable(
        &self,
        link: SourceId,
        name: &Name,
        stamp: Stamp,
        time: Timestamp,
        catchup: bool,
    ) -> bool {
        self.change(|state, _| {
            let known = state.variables.get(name.as_str());
            let source = known.map(|(_, known)| known.source);
            source.is_some_and(|id| state.sources.is_below(id, link))
                && state.take_variable(name, stamp, time, catchup)
        })
    }

    /// Takes out the variables that hang directly on some sources and are not to stay.
    pub fn retain_variables(&self, sources: &[SourceId], stays: impl Fn(&Name) -> bool) {
        let mut sources = sources.to_vec();
        sources.sort_unstable();
        self.change(|state, at| state.take_variables_of(&sources, stays, at));
    }

    /// The variables that hang directly on some sources.
    pub fn variables_below(&self, sources: &[SourceId]) -> Vec<Name> {
        let mut sources = sources.to_vec();
        sources.sort_unstable();
        self.read(|state| {
            let of = |id: SourceId| sources.binary_search(&id).is_ok();
            let below = state.variables.iter().filter(|(_, v)| of(v.source));
            below.map(|(name, _)| name.clone()).collect()
        })
    }
}

impl State {
    /// Moves the variables of some sources to others, with their stamps, below another prefix.
    pub(crate) fn move_variables(
        &mut self,
        moved: &HashMap<SourceId, SourceId>,
        (from, to): (&Name, &Name),
        at: Moment,
    ) {
        let of_moved = self.variables.iter();
        let of_moved = of_moved.filter_map(|(name, known)| {
            let source = *moved.get(&known.source)?;
            let text = Text {
                source,
                value: Arc::clone(&known.value),
                time: known.source_time,
                stamp: Some(known.stamp),
                catchup: true,
            };
            Some((name.clone(), name.moved(from, to)?, text))
        });
        let of_moved: Vec<(Name, Name, Text)> = of_moved.collect();
        for (old, new, text) in of_moved {
            self.take_variable(&old, Stamp::default(), at.wall, true);
            if let Err(error) = self.put_variable(&new, text, at) {
                tracing::warn!(%error, "a variable is left out below the new prefix");
            }
        }
    }
}
