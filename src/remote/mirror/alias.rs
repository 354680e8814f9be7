//! What the neighbour says about old names. Both names get the prefix, so that an alias can only
//! lead from below it to below it.

use mainstem_model::{Alias, Name};
use mainstem_wire::AliasFrame;

use super::Mirror;

/// Changes of aliases that one stream may bring; further ones are left out until the next one.
const CHANGES_MAX: usize = 8192;

impl Mirror {
    pub(super) fn aliases(&mut self, frames: &[AliasFrame]) {
        for frame in frames {
            if self.alias_changes >= CHANGES_MAX {
                self.counters.aliases_left_out += 1;
                continue;
            }
            self.alias(frame);
        }
    }

    fn alias(&mut self, frame: &AliasFrame) {
        let below = |text: &str| {
            Name::new(text)
                .and_then(|name| name.below(&self.prefix))
                .ok()
        };
        let from = below(&frame.from);
        let to = frame.to.as_deref().map(below);
        match (from, to) {
            (Some(from), None) => {
                if self.store.remove_alias(self.link, &from) {
                    self.note_change(&from, &from);
                }
            }
            (Some(from), Some(Some(to))) => self.put_alias(Alias { from, to }),
            _ => self.counters.aliases_left_out += 1,
        }
    }

    fn put_alias(&mut self, alias: Alias) {
        match self.store.put_alias(self.link, &alias) {
            Ok(is_new) => {
                if is_new {
                    self.note_change(&alias.from, &alias.to);
                }
                if let Some(seen) = &mut self.seen {
                    seen.alias(alias.from);
                }
            }
            Err(error) => {
                self.counters.aliases_left_out += 1;
                let Alias { from, to } = alias;
                self.last_left_out = Some(format!("the alias of {from} to {to}: {error}"));
            }
        }
    }

    /// In a snapshot aliases come before definitions. Behind it, one that the entry's `read` is
    /// about changes what should be here, and only a snapshot can tell that.
    fn note_change(&mut self, from: &Name, to: &Name) {
        self.alias_changes += 1;
        let own = |name: &Name| name.strip(&self.prefix).map(str::to_owned);
        let touches = [from, to]
            .into_iter()
            .filter_map(own)
            .any(|name| self.filter.touches(&name));
        if self.seen.is_none() && touches {
            self.begin_anew = true;
        }
    }

    /// Whether the stream has to end and the next one to begin with a snapshot.
    pub(super) fn must_begin_anew(&mut self) -> bool {
        let must = std::mem::take(&mut self.begin_anew);
        if must {
            self.place = None;
            self.store.forget_cursor(self.link);
        }
        must
    }

    /// Whether the entry's `read` lets a datapoint in, by its name or one that it had.
    pub(super) fn is_wanted(&self, name: &str, here: &Name) -> bool {
        if self.filter.is_everything() {
            return true;
        }
        let former = self.store.all_former_names(here);
        let own = former.iter().filter_map(|old| old.strip(&self.prefix));
        let own: Vec<Name> = own.filter_map(|old| Name::new(old).ok()).collect();
        self.filter.passes_called(name, &own)
    }
}
