//! Variables in a checkpoint: the frames of a stream, with the numbers of their sources.

use mainstem_model::{Name, Timestamp};
use mainstem_wire::{FrameWriter, VariableFrame};

use super::tell::frame;
use super::{Stamp, Variable};
use crate::SourceId;
use crate::log::Entry;
use crate::state::State;

/// Variables written under one lock.
const STEP: usize = 256;

impl State {
    /// Writes some variables behind a name. The last name, until there are no more.
    pub(crate) fn write_variables(
        &self,
        writer: &mut FrameWriter,
        after: Option<&Name>,
    ) -> Option<Name> {
        let mut last = None;
        for (name, variable) in self.variables.after(after).take(STEP) {
            writer.variables(&[frame(name, variable)], true);
            last = Some(name.clone());
        }
        last
    }

    /// Takes up a variable of a checkpoint, whose source is here already.
    pub(crate) fn restore_variable(
        &mut self,
        source: SourceId,
        told: &VariableFrame,
        now: Timestamp,
    ) -> Option<()> {
        let (name, value) = (Name::new(&told.name).ok()?, told.value.clone()?);
        let sequence = self.log.next();
        let variable = Variable {
            value,
            source,
            source_time: told.time,
            // When it was received is not kept; it cannot have been before it was set.
            received: told.time.min(now),
            sequence,
            stamp: Stamp {
                epoch: told.epoch,
                origin: told.origin,
            },
        };
        self.variables.insert(&name, variable);
        self.log.push(Entry::Variable(name, true));
        Some(())
    }

    /// This node is the origin of its own variables: what it remembers of them is what they are,
    /// in this life of it, even if a crash made it forget the last ones.
    pub(crate) fn vouch_for_variables(&mut self, own: &[SourceId]) {
        let epoch = self.epoch.counter;
        for variable in self.variables.table.values_mut() {
            if own.contains(&variable.source) {
                variable.stamp = Stamp {
                    epoch,
                    origin: variable.sequence,
                };
            }
        }
    }
}
