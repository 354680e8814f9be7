//! Datapoints as registers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use mainstem_adapter::{Scaling, convert, to_device};
use mainstem_model::{Status, Value, ValueType};
use mainstem_registers::{Table, encode_bits, encode_words};
use mainstem_security::Principal;
use mainstem_service::{Gaps, ModbusNode, NotGood};

use crate::exception::Exception;
use crate::map::Cell;
use crate::request::Span;
use crate::respond::Registers;

/// How good a value is, as its `status` address says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Good.
    Good = 0,
    /// Uncertain.
    Uncertain = 1,
    /// Bad.
    Bad = 2,
    /// There has been no value, or there is no such datapoint.
    NoValue = 3,
    /// The value cannot be held by these registers.
    NoFit = 4,
}

/// A node's registers and how good they are. Bits are 0 or 1.
struct Held {
    words: Vec<u16>,
    state: State,
}

impl Registers {
    /// What a span holds now.
    pub(crate) fn read(
        &self,
        who: (&Principal, IpAddr),
        unit: u8,
        table: Table,
        span: Span,
    ) -> Result<Vec<u16>, Exception> {
        let cells = self.map.cells(unit, table, span);
        let has_gap = cells.iter().any(Option::is_none);
        let is_empty = cells.iter().all(Option::is_none);
        if is_empty || has_gap && self.gaps == Gaps::Refuse {
            return Err(Exception::IllegalDataAddress);
        }
        // Each datapoint is looked at once, so that its registers belong together.
        let mut seen: HashMap<usize, Held> = HashMap::new();
        let mut words = Vec::with_capacity(cells.len());
        for cell in cells {
            words.push(match cell {
                None => 0,
                Some(cell) => self.word(who, cell, &mut seen)?,
            });
        }
        Ok(words)
    }

    fn word(
        &self,
        who: (&Principal, IpAddr),
        cell: Cell,
        seen: &mut HashMap<usize, Held>,
    ) -> Result<u16, Exception> {
        let (Cell::Value { node, .. } | Cell::Status { node }) = cell;
        let spec = self.map.node(node).ok_or(Exception::IllegalDataAddress)?;
        let held = match seen.entry(node) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => place.insert(self.held(who, spec)?),
        };
        match cell {
            // A single bit can say no more than whether all is well.
            Cell::Status { .. } if spec.table.has_bits() => {
                Ok(u16::from(held.state == State::Good))
            }
            Cell::Status { .. } => Ok(held.state as u16),
            Cell::Value { .. }
                if held.state != State::Good && self.not_good == NotGood::Exception =>
            {
                Err(Exception::ServerDeviceFailure)
            }
            Cell::Value { offset, .. } => {
                Ok(held.words.get(usize::from(offset)).copied().unwrap_or(0))
            }
        }
    }

    fn held(
        &self,
        (who, from): (&Principal, IpAddr),
        node: &ModbusNode,
    ) -> Result<Held, Exception> {
        let empty = |state| Held {
            words: vec![0; usize::from(node.count)],
            state,
        };
        let Some(found) = self.store.find(&node.datapoint) else {
            return Ok(empty(State::NoValue));
        };
        if !self.store.decide(&who.rights.read, &found).allowed {
            let detail = format!("role {} may not read {}", who.role, node.datapoint);
            self.refusals.tell(from, "forbidden", &detail);
            return Err(Exception::IllegalDataAddress);
        }
        let Some(value) = found.view.value else {
            return Ok(empty(State::NoValue));
        };
        let Some(words) = encode(node, value) else {
            return Ok(empty(State::NoFit));
        };
        let state = match found.view.quality.status {
            Status::Good => State::Good,
            Status::Uncertain => State::Uncertain,
            Status::Bad => State::Bad,
        };
        Ok(Held { words, state })
    }
}

/// Linear scaling in the words of the adapters, who do the same from the other side.
pub(crate) fn scaling(node: &ModbusNode) -> Option<Scaling> {
    node.scaling.map(|scaling| Scaling {
        factor: scaling.factor,
        offset: scaling.offset,
    })
}

/// A value in a node's registers, if they can hold it.
fn encode(node: &ModbusNode, value: Value) -> Option<Vec<u16>> {
    let raw = to_device(value, scaling(node)).ok()?;
    let raw = convert(raw, ValueType::from(node.format.scalar())).ok()?;
    if node.table.has_bits() {
        let bits = encode_bits(node.format, &raw, node.count).ok()?;
        return Some(bits.into_iter().map(u16::from).collect());
    }
    encode_words(node.format, &raw, node.count).ok()
}

#[cfg(test)]
mod tests;
