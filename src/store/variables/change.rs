//! Sets and removes variables: the table, the numbers and the log in one go.

use std::sync::Arc;

use mainstem_model::limits::VALUE_BYTES_MAX;
use mainstem_model::{Name, Timestamp};

use super::{Grave, Stamp, Variable, cost};
use crate::SourceId;
use crate::log::Entry;
use crate::state::{Moment, State};

/// Of the room for variables, one part in so many is for this node's own.
const OWN_SHARE: usize = 10;

/// Why a variable cannot be set or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// Another source has it.
    #[error("the variable {name} already belongs to {owner}")]
    Owned {
        /// The variable.
        name: Name,
        /// The path of the source that has it.
        owner: String,
    },
    /// The node is full.
    #[error(
        "there is no room for the variable {name}: this node holds at most {count_max} variables \
         of {bytes_max} bytes in all; remove what nobody needs"
    )]
    Full {
        /// The variable.
        name: Name,
        /// Variables that it holds.
        count_max: usize,
        /// Bytes that it holds.
        bytes_max: usize,
    },
    /// The text is too long.
    #[error("a variable has at most {VALUE_BYTES_MAX} bytes, this one {0}")]
    TooLong(usize),
    /// The source was removed meanwhile.
    #[error("the source of the variable {0} is gone")]
    NoSource(Name),
    /// There is none of that name.
    #[error("there is no variable {0}")]
    Unknown(Name),
}

/// A text that a variable is to have.
pub(super) struct Text {
    pub(super) source: SourceId,
    pub(super) value: Arc<str>,
    pub(super) time: Timestamp,
    /// Nothing for a text that arises here.
    pub(super) stamp: Option<Stamp>,
    pub(super) catchup: bool,
}

impl State {
    /// Sets a variable. Returns whether that was a change. What is not newer by its stamp is
    /// dropped, so nothing is repeated and nothing goes back.
    pub(super) fn put_variable(
        &mut self,
        name: &Name,
        text: Text,
        at: Moment,
    ) -> Result<bool, VariableError> {
        if text.value.len() > VALUE_BYTES_MAX {
            return Err(VariableError::TooLong(text.value.len()));
        }
        if self.sources.get(text.source).is_none() {
            return Err(VariableError::NoSource(name.clone()));
        }
        let sequence = self.log.next();
        let stamp = text.stamp.unwrap_or(Stamp {
            epoch: self.epoch.counter,
            origin: sequence,
        });
        let mut replaced = 0;
        match self.variables.table.get_mut(name) {
            Some(known) if known.source == text.source => {
                let is_same = known.value == text.value;
                match text.stamp {
                    None if is_same => return Ok(false),
                    Some(stamp) if stamp <= known.stamp => return Ok(false),
                    // Told again in another life of its origin: only its number is new.
                    Some(stamp) if is_same && known.source_time == text.time => {
                        known.stamp = stamp;
                        return Ok(false);
                    }
                    _ => {}
                }
                replaced = cost(name, &known.value);
            }
            Some(known) => {
                let (name, owner) = (name.clone(), self.sources.path(known.source));
                return Err(VariableError::Owned { name, owner });
            }
            // What was removed does not come back from somebody who has not heard of that.
            None => {
                let grave = self.variables.grave(name);
                if grave.is_some_and(|grave| stamp <= grave.stamp) {
                    return Ok(false);
                }
            }
        }
        self.room_for_variable(name, &text, replaced)?;
        let variable = Variable {
            value: text.value,
            source: text.source,
            source_time: text.time,
            received: at.wall,
            sequence,
            stamp,
        };
        self.variables.insert(name, variable);
        self.log.push(Entry::Variable(name.clone(), text.catchup));
        Ok(true)
    }

    /// Whether there is room. What is replicated leaves a part of it to this node's own, so that
    /// no remote can take it all.
    fn room_for_variable(
        &self,
        name: &Name,
        text: &Text,
        replaced: usize,
    ) -> Result<(), VariableError> {
        let (count_max, bytes_max) = (self.limits.variables_max, self.limits.variable_bytes_max);
        let share = |most: usize| match text.stamp {
            None => most,
            Some(_) => most - most / OWN_SHARE,
        };
        let count = self.variables.len() + usize::from(replaced == 0);
        let bytes = self.variables.bytes() - replaced + cost(name, &text.value);
        if count <= share(count_max) && bytes <= share(bytes_max) {
            return Ok(());
        }
        Err(VariableError::Full {
            name: name.clone(),
            count_max: share(count_max),
            bytes_max: share(bytes_max),
        })
    }

    /// Takes a variable out. Without a stamp the removal has none: it keeps nothing out later.
    pub(super) fn take_variable(
        &mut self,
        name: &Name,
        stamp: Stamp,
        time: Timestamp,
        catchup: bool,
    ) -> bool {
        let sequence = self.log.next();
        let grave = Grave {
            sequence,
            stamp,
            time,
        };
        let was_there = self.variables.bury(name, grave);
        if was_there {
            self.log.push(Entry::Variable(name.clone(), catchup));
        }
        was_there
    }

    /// Takes out the variables of some sources, in order of their numbers, that are not to stay.
    pub(crate) fn take_variables_of(
        &mut self,
        sources: &[SourceId],
        stays: impl Fn(&Name) -> bool,
        at: Moment,
    ) {
        let below = self.variables.iter().filter(|(name, variable)| {
            sources.binary_search(&variable.source).is_ok() && !stays(name)
        });
        let gone: Vec<Name> = below.map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.take_variable(&name, Stamp::default(), at.wall, true);
        }
    }
}
