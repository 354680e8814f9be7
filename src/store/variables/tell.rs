//! Variables for readers of the feed: always as they are now, never what they were in between.

use std::sync::Arc;

use mainstem_model::Name;
use mainstem_wire::VariableFrame;

use super::{Grave, Variable};
use crate::Filter;
use crate::chunk::{CHUNK_BYTES_MAX, Chunk};
use crate::reader::LOOK_MAX;
use crate::state::State;

/// A variable as a frame.
pub(crate) fn frame(name: &Name, variable: &Variable) -> VariableFrame {
    VariableFrame {
        name: name.shared(),
        value: Some(Arc::clone(&variable.value)),
        source: Some(variable.source.0),
        time: variable.source_time,
        origin: variable.stamp.origin,
        epoch: variable.stamp.epoch,
        quality: None,
    }
}

fn removed(name: &Name, grave: Grave) -> VariableFrame {
    VariableFrame {
        name: name.shared(),
        value: None,
        source: None,
        time: grave.time,
        origin: grave.stamp.origin,
        epoch: grave.stamp.epoch,
        quality: None,
    }
}

/// Tells the variable of an entry, unless a later entry does.
pub(crate) fn entry(
    state: &State,
    filter: &Filter,
    chunk: &mut Chunk,
    (sequence, name, catchup): (u64, &Name, bool),
) {
    if !filter.passes_variable(name.as_str()) {
        return;
    }
    let told = match state.variables.table.get(name) {
        Some(variable) if variable.sequence == sequence => frame(name, variable),
        Some(_) => return,
        None => match state.variables.grave(name) {
            Some(grave) if grave.sequence == sequence => removed(name, grave),
            _ => return,
        },
    };
    chunk.push_variable(told, catchup);
}

/// How far a scan has come in the variables.
#[derive(Debug)]
pub(crate) enum Place {
    /// Those that are no more, behind this entry.
    Removed(u64),
    /// Those that there are, behind this name.
    Table(Option<Name>),
}

impl Place {
    /// Tells some of what changed behind an entry, or everything. Returns whether there may be
    /// more.
    pub(crate) fn step(
        &mut self,
        state: &State,
        filter: &Filter,
        chunk: &mut Chunk,
        since: Option<u64>,
    ) -> bool {
        if let Self::Removed(at) = self {
            for (sequence, name) in state.variables.buried_after(*at).take(LOOK_MAX) {
                *at = sequence;
                if let Some(grave) = state.variables.grave(name)
                    && filter.passes_variable(name.as_str())
                {
                    chunk.push_variable(removed(name, grave), true);
                }
            }
            if state.variables.buried_after(*at).next().is_none() {
                *self = Self::Table(None);
            }
            return true;
        }
        let Self::Table(after) = self else {
            return false;
        };
        let (mut last, mut bytes) = (None, 0);
        for (name, variable) in state.variables.after(after.as_ref()).take(LOOK_MAX) {
            if bytes >= CHUNK_BYTES_MAX {
                break;
            }
            last = Some(name.clone());
            let is_news = since.is_none_or(|since| variable.sequence > since);
            if is_news && filter.passes_variable(name.as_str()) {
                bytes += variable.value.len();
                chunk.push_variable(frame(name, variable), true);
            }
        }
        let is_more = last.is_some();
        *after = last;
        is_more
    }
}
