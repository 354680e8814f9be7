//! What one read of the feed gives: items in order, and rows that they count off.

use std::sync::Arc;

use mainstem_model::{Monotonic, Value};
use mainstem_wire::{AliasFrame, DefineFrame, GapFrame, RowOut, SourceFrame, StatusFrame};

use crate::Event;

/// Bytes of large values copied out under one lock, about.
pub(crate) const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// One item of a chunk, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A source, new or changed.
    Source(SourceFrame),
    /// A source's state.
    Status(StatusFrame),
    /// A source is no more.
    Gone(u32),
    /// A datapoint, before its first row.
    Define(DefineFrame),
    /// A datapoint is no more.
    Remove(u32),
    /// So many rows of [`Chunk::rows`] come here.
    Rows {
        /// How many.
        count: usize,
        /// Whether they are catch-up.
        catchup: bool,
    },
    /// What an old name leads to, or that it leads nowhere any more.
    Alias(AliasFrame),
    /// Something that waits for an answer.
    Event(Arc<Event>),
    /// Entries that this reader will not get.
    Gap(GapFrame),
    /// The snapshot is complete.
    End(u64),
}

/// What one read gave. Reused from read to read.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Items in order.
    pub items: Vec<Item>,
    /// The rows that [`Item::Rows`] count off.
    pub rows: Vec<RowOut>,
    /// Everything up to this entry was told, if that can be said.
    pub bookmark: Option<u64>,
    /// The clock when it was read.
    pub now: Monotonic,
    /// Bytes of large values in the rows.
    heap_bytes: usize,
}

impl Chunk {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.rows.clear();
        self.bookmark = None;
        self.heap_bytes = 0;
    }

    /// Whether a chunk is large enough to be sent, by rows or by the size of their values.
    pub(crate) fn is_full(&self, rows_max: usize) -> bool {
        self.rows.len() >= rows_max || self.heap_bytes >= CHUNK_BYTES_MAX
    }

    pub(crate) fn push_row(&mut self, row: RowOut, is_catchup: bool) {
        self.heap_bytes += row.value.as_ref().map_or(0, Value::heap_bytes);
        self.rows.push(row);
        match self.items.last_mut() {
            Some(Item::Rows { count, catchup }) if *catchup == is_catchup => *count += 1,
            _ => self.items.push(Item::Rows {
                count: 1,
                catchup: is_catchup,
            }),
        }
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
