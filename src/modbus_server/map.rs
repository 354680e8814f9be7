//! Which address belongs to which node. Pure.

use std::collections::{BTreeSet, HashMap};

use mainstem_registers::Table;
use mainstem_service::ModbusNode;

use crate::request::Span;

/// One address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A part of a node's value.
    Value {
        /// The node's place in the list.
        node: usize,
        /// Which part.
        offset: u16,
    },
    /// How good a node's value is.
    Status {
        /// The node's place in the list.
        node: usize,
    },
}

/// The nodes by their addresses.
#[derive(Debug, Default)]
pub(crate) struct Map {
    nodes: Vec<ModbusNode>,
    cells: HashMap<(u8, Table, u16), Cell>,
    units: BTreeSet<u8>,
}

impl Map {
    /// Of nodes whose addresses were checked; those that are disabled are not there.
    pub(crate) fn new(nodes: Vec<ModbusNode>) -> Self {
        let nodes: Vec<ModbusNode> = nodes
            .into_iter()
            .filter(|node| node.target_state.is_enabled())
            .collect();
        let mut map = Self::default();
        for (place, node) in nodes.iter().enumerate() {
            map.units.insert(node.unit);
            let mut put = |address, cell| map.cells.insert((node.unit, node.table, address), cell);
            for offset in 0..node.count {
                let Some(address) = node.address.checked_add(offset) else {
                    break;
                };
                put(
                    address,
                    Cell::Value {
                        node: place,
                        offset,
                    },
                );
            }
            if let Some(address) = node.status {
                put(address, Cell::Status { node: place });
            }
        }
        map.nodes = nodes;
        map
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node in a place.
    pub(crate) fn node(&self, place: usize) -> Option<&ModbusNode> {
        self.nodes.get(place)
    }

    /// The unit that is meant. Clients of a server with one unit only may say 0 or 255: whoever
    /// is reached by TCP directly needs no number (*Implementation Guide*, 4.4.2.1).
    pub(crate) fn unit(&self, asked: u8) -> Option<u8> {
        if self.units.contains(&asked) {
            return Some(asked);
        }
        let only = self.units.first().filter(|_| self.units.len() == 1);
        only.copied().filter(|_| matches!(asked, 0 | 255))
    }

    /// The addresses of a span, in their order.
    pub(crate) fn cells(&self, unit: u8, table: Table, span: Span) -> Vec<Option<Cell>> {
        let address = |offset: u16| span.start.checked_add(offset);
        let cell = |address| self.cells.get(&(unit, table, address)).copied();
        (0..span.count)
            .map(|offset| address(offset).and_then(cell))
            .collect()
    }
}
