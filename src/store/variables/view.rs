//! Variables as a client sees them: the text under the quality of all that it hangs on.

use std::sync::Arc;

use mainstem_model::{ALIAS_CHAIN_MAX, Name, NodeId, Quality, Timestamp};

use super::Variable;
use crate::state::State;
use crate::{Filter, ListQuery, SourceId, Store};

/// Names looked at under one lock while a listing searches.
const LOOK_MAX: usize = 4096;
/// Bytes of texts in one part of a listing, about.
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One variable at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableView {
    /// Its name.
    pub name: Name,
    /// Its text.
    pub value: Arc<str>,
    /// The worst of the qualities of its sources.
    pub quality: Quality,
    /// The path of the source at fault.
    pub hop: Option<String>,
    /// The node at fault.
    pub hop_id: Option<NodeId>,
    /// Since when the quality is so.
    pub since: Timestamp,
    /// When it was set, by the clock of its origin.
    pub source_time: Timestamp,
    /// When this node got it.
    pub received: Timestamp,
    /// The source it hangs on.
    pub source: SourceId,
    /// The name of the node at which it was made, or the path of another source.
    pub owner: String,
}

impl Store {
    /// A variable by name.
    pub fn variable(&self, name: &str) -> Option<VariableView> {
        self.read(|state| {
            let (name, variable) = state.variables.get(name)?;
            Some(view(state, name, variable))
        })
    }

    /// What a name stands for now: itself if a variable has it, otherwise where aliases lead.
    pub fn variable_called(&self, name: &str) -> String {
        self.read(|state| {
            let asked = || name.to_owned();
            if state.variables.get(name).is_some() || state.aliases.is_empty() {
                return asked();
            }
            let Ok(mut now) = Name::new(name) else {
                return asked();
            };
            for _ in 0..ALIAS_CHAIN_MAX {
                match state.aliases.step(&now) {
                    Some((_, next)) => now = next,
                    None => break,
                }
            }
            now.to_string()
        })
    }

    /// Variables in the order of their names that pass a filter, and the name to go on behind if
    /// there may be more.
    pub fn list_variables(
        &self,
        query: &ListQuery,
        filter: &Filter,
    ) -> (Vec<VariableView>, Option<Name>) {
        let (mut found, mut bytes, mut after) = (Vec::new(), 0, query.after.clone());
        loop {
            let (mut looked, mut last) = (0, None);
            self.read(|state| {
                for (name, variable) in state.variables.after(after.as_ref()).take(LOOK_MAX) {
                    if found.len() >= query.limit || bytes >= LIST_BYTES_MAX {
                        break;
                    }
                    looked += 1;
                    last = Some(name.clone());
                    if crate::view::fits(query, name.as_str())
                        && filter.passes_variable(name.as_str())
                    {
                        bytes += variable.value.len();
                        found.push(view(state, name, variable));
                    }
                }
            });
            if found.len() >= query.limit || bytes >= LIST_BYTES_MAX {
                return (found, last.or(after));
            }
            if looked < LOOK_MAX {
                return (found, None);
            }
            after = last;
        }
    }
}

fn view(state: &State, name: &Name, variable: &Variable) -> VariableView {
    let source = state.sources.get(variable.source);
    let (quality, chain_since) = source.map_or_else(Default::default, |source| {
        (source.effective.quality, source.effective.since)
    });
    let fault = source.filter(|_| !quality.is_good());
    let since = match fault {
        Some(_) => chain_since,
        None => chain_since.max(variable.received),
    };
    VariableView {
        name: name.clone(),
        value: Arc::clone(&variable.value),
        quality,
        hop: fault.map(|source| state.sources.path(source.at_fault)),
        hop_id: fault.and_then(|source| crate::view::node_at_fault(state, source.at_fault)),
        since,
        source_time: variable.source_time,
        received: variable.received,
        source: variable.source,
        owner: crate::view::owner_path(state, variable.source),
    }
}
