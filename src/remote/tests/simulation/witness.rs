//! A reader of one node's feed that believes nothing: every sample of a datapoint has to come in
//! the order in which its device had it.

use std::collections::HashMap;

use mainstem_store::{Chunk, Delivery, Filter, Item, Reader, Store};
use mainstem_wire::RowOut;

/// Rows of one look; all there are, in practice.
const ROWS: usize = 1 << 16;

pub(crate) struct Witness {
    reader: Reader,
    chunk: Chunk,
    /// By the datapoint's number: its name, and what it was told last.
    told: HashMap<u32, (String, f64)>,
}

impl Witness {
    pub(crate) fn new() -> Self {
        Self {
            reader: Reader::snapshot(Filter::everything(), Delivery::Every),
            chunk: Chunk::default(),
            told: HashMap::new(),
        }
    }

    /// Reads what came since the last look.
    pub(crate) fn look(&mut self, node: &str, store: &Store, restored: bool) {
        loop {
            self.reader.read(store, &mut self.chunk, ROWS);
            if self.chunk.is_empty() {
                // An empty part between a snapshot and the log is possible once.
                if self.reader.read(store, &mut self.chunk, ROWS)
                    == mainstem_store::Progress::AtHead
                    && self.chunk.is_empty()
                {
                    return;
                }
            }
            let mut rows = self.chunk.rows.iter();
            for item in &self.chunk.items {
                match item {
                    Item::Define(define) => {
                        self.told.insert(define.id, (define.name.clone(), 0.0));
                    }
                    Item::Remove(id) => drop(self.told.remove(id)),
                    Item::Rows { count, .. } => {
                        for row in rows.by_ref().take(*count) {
                            check(node, &mut self.told, row, restored);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// G6: the order of the origin. A device's number only rises.
fn check(node: &str, told: &mut HashMap<u32, (String, f64)>, row: &RowOut, restored: bool) {
    let Some(value) = row.value.as_ref().and_then(|value| value.as_f64()) else {
        return;
    };
    let known = told.get_mut(&row.id);
    let (name, last) = known.unwrap_or_else(|| panic!("{node}: a row of nothing: {row:?}"));
    let is_old = restored && row.quality != 0;
    assert!(
        value >= *last || is_old,
        "{node}: the feed tells {name} as {last} and then as {value}"
    );
    *last = value;
}
