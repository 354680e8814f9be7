//! Variables of the neighbour, under the remote's prefix.

#[cfg(test)]
mod tests;

use mainstem_model::Name;
use mainstem_model::limits::VARIABLE_SEGMENTS_MIN;
use mainstem_store::{MirrorVariable, Stamp};
use mainstem_wire::{Line, VariableFrame};

use super::Mirror;
use super::rows::lifted;

impl Mirror {
    /// Applies the variables of a line. Returns how many were changes.
    pub(super) fn variables(&mut self, line: &Line<'_>) -> usize {
        let told = line.variable.iter();
        let changes = told.filter(|told| self.variable(told, line.c > 0)).count();
        self.counters.changes += changes as u64;
        changes
    }

    fn variable(&mut self, told: &VariableFrame, catchup: bool) -> bool {
        self.counters.rows += 1;
        if !self.filter.passes_variable(&told.name) {
            return false;
        }
        let mapped = told.source.and_then(|id| self.sources.get(&id)).copied();
        let epochs = mapped.map(|mapped| (mapped.epoch, mapped.lifted_from));
        let stamp = Stamp {
            epoch: epochs.map_or(told.epoch, |epochs| lifted(told.epoch, epochs)),
            origin: told.origin,
        };
        let name = match self.name_here(&told.name) {
            Ok(name) => name,
            Err(why) => {
                self.leave_out(&told.name, &why);
                return false;
            }
        };
        let Some(value) = &told.value else {
            if let Some(seen) = &mut self.seen {
                seen.no_variable(&name);
            }
            let (link, time) = (self.link, told.time);
            return self
                .store
                .remove_mirror_variable(link, &name, stamp, time, catchup);
        };
        // Its source was pruned, or it has none: nobody could say how far to trust it.
        let Some(source) = mapped.map(|mapped| mapped.id) else {
            return false;
        };
        if let Some(seen) = &mut self.seen {
            seen.variable(name.clone());
        }
        let variable = MirrorVariable {
            name,
            value: value.clone(),
            source,
            time: told.time,
            stamp,
        };
        match self.store.put_mirror_variable(self.link, variable, catchup) {
            Ok(is_change) => is_change,
            Err(error) => {
                self.leave_out(&told.name, &error.to_string());
                false
            }
        }
    }

    fn name_here(&self, name: &str) -> Result<Name, String> {
        if name.split('.').count() < VARIABLE_SEGMENTS_MIN {
            return Err(format!(
                "the name of a variable has at least {VARIABLE_SEGMENTS_MIN} segments"
            ));
        }
        let name = Name::new(name).and_then(|name| name.below(&self.prefix));
        name.map_err(|error| error.to_string())
    }

    /// What an earlier configuration let in and this one does not is taken out.
    pub(super) fn drop_unwanted_variables(&self) {
        let is_wanted = |name: &Name| {
            let there = name.strip(&self.prefix);
            there.is_some_and(|name| self.filter.passes_variable(name))
        };
        let below = self.store.subtree(self.link);
        self.store.retain_variables(&below, is_wanted);
    }
}
