//! Variables of this node itself: they hang on the node's own source, and are set at once.

use std::sync::Arc;

use mainstem_model::{Name, Quality, Role};

use super::change::Text;
use super::{Stamp, VariableError};
use crate::owner::Owner;
use crate::state::State;
use crate::{SourceId, Store};

impl Store {
    /// The source of what this node says itself.
    pub fn own_source(&self) -> SourceId {
        let name = Arc::clone(&self.setup().name);
        self.put_own_source(None, &name, Role::Node, Quality::GOOD, true)
    }

    /// Sets a variable of this node, new or known. Returns whether that was a change.
    pub fn set_variable(&self, name: &Name, value: Arc<str>) -> Result<bool, VariableError> {
        let source = self.own_source();
        self.change(|state, at| {
            let text = Text {
                source,
                value,
                time: at.wall,
                stamp: None,
                catchup: false,
            };
            state.put_variable(name, text, at)
        })
    }

    /// Removes a variable of this node.
    pub fn remove_variable(&self, name: &Name) -> Result<(), VariableError> {
        self.change(|state, at| {
            let Some((_, known)) = state.variables.get(name.as_str()) else {
                return Err(VariableError::Unknown(name.clone()));
            };
            if !state.is_own(known.source) {
                let (name, owner) = (name.clone(), state.sources.path(known.source));
                return Err(VariableError::Owned { name, owner });
            }
            let stamp = Stamp {
                epoch: state.epoch.counter,
                origin: state.log.next(),
            };
            state.take_variable(name, stamp, at.wall, false);
            Ok(())
        })
    }

    /// Who carries out writes to a variable: the link that it came over or whose prefix it stands
    /// below, otherwise this node. `None` where that link takes no writes.
    pub fn variable_owner(&self, name: &Name) -> Option<Owner> {
        let (chain, is_own) = self.read(|state| state.variable_chain(name));
        if is_own {
            return Some(Owner::Local(self.own_source()));
        }
        self.registered(&chain)
    }

    /// After a node was renamed its own variables hang on a source of the old name.
    pub fn adopt_variables(&self) {
        let source = self.own_source();
        self.change(|state, at| {
            let is_stray = |id: SourceId| id != source && state.is_own(id);
            let strays = state.variables.iter().filter(|(_, v)| is_stray(v.source));
            let strays: Vec<_> = strays.map(|(n, v)| (n.clone(), v.clone())).collect();
            for (name, variable) in strays {
                state.take_variable(&name, Stamp::default(), at.wall, true);
                let text = Text {
                    source,
                    value: variable.value,
                    time: variable.source_time,
                    stamp: None,
                    catchup: true,
                };
                // It was here a moment ago, so there is room for it.
                drop(state.put_variable(&name, text, at));
            }
        });
    }
}

impl State {
    /// Whether a source is one of this node itself, as it says things about itself.
    fn is_own(&self, id: SourceId) -> bool {
        self.sources.get(id).is_some_and(|source| {
            source.node == self.node && source.role == Role::Node && source.parent.is_none()
        })
    }

    /// The sources that a variable hangs on, from it upwards, and whether it is this node's own.
    /// One that is not there yet hangs on the link below whose prefix it stands.
    fn variable_chain(&self, name: &Name) -> (Vec<SourceId>, bool) {
        if let Some((_, known)) = self.variables.get(name.as_str()) {
            let is_own = self.is_own(known.source);
            return (crate::owner::chain_from(self, known.source), is_own);
        }
        let link = self.sources.iter().find(|(_, source)| {
            source.parent.is_none()
                && source.role == Role::Link
                && name.strip(&source.name).is_some()
        });
        match link {
            Some((id, _)) => (vec![id], false),
            None => (Vec::new(), true),
        }
    }
}
