//! What a checkpoint says about names: those that were, and the node's own.

use std::sync::Arc;

use mainstem_model::{Alias, Name, Role};

use super::RemoteIds;
use super::restore::Restorer;
use crate::log::Entry;
use crate::sources::Source;

impl Restorer<'_> {
    /// A node keeps what it is when it gets another name.
    pub(super) fn rename(&mut self, name: &Arc<str>) {
        let node = self.state.node;
        let is_self = |source: &Source| {
            source.node == node && source.role == Role::Node && source.parent.is_none()
        };
        for id in self.sources.values() {
            if let Some(source) = self.state.sources.get_mut(*id).filter(|one| is_self(one)) {
                source.name = Arc::clone(name);
            }
        }
    }

    /// What neighbours told about old names.
    pub(super) fn aliases(&mut self, ids: &RemoteIds) {
        for (link, from, to) in &ids.remote_aliases {
            let names = (Name::new(from).ok(), Name::new(to).ok());
            if let (Some(link), (Some(from), Some(to))) = (self.sources.get(link), names) {
                // One that was right when it was written is right now, or is told again.
                let alias = Alias { from, to };
                let next = self.state.log.next();
                if self.state.aliases.put(*link, &alias, next) == Ok(true) {
                    self.state.log.push(Entry::Alias(alias.from));
                }
            }
        }
    }
}
