//! Pacing of frames: what of a chunk is told, and what is told later.

use mainstem_model::Monotonic;
use mainstem_wire::RowOut;

use super::{Due, Pacer};
use crate::{Chunk, Item};

impl Pacer<RowOut> {
    /// Takes out of a chunk the rows that are held back. `place` is the place up to which the feed
    /// was read before this chunk.
    pub fn sift(&mut self, chunk: &mut Chunk, place: u64, now: Monotonic) {
        let rows = std::mem::take(&mut chunk.rows);
        let items = std::mem::take(&mut chunk.items);
        let mut rows = rows.into_iter();
        for item in items {
            match item {
                Item::Rows { count, catchup } => {
                    for row in rows.by_ref().take(count) {
                        if self.take(row.id, &row, catchup, place, now) {
                            chunk.push_row(row, catchup);
                        }
                    }
                }
                item => {
                    if let Item::Remove(id) = &item {
                        self.forget(*id);
                    } else if let Item::Define(frame) = &item {
                        self.forget(frame.id);
                    }
                    chunk.items.push(item);
                }
            }
        }
        chunk.bookmark = chunk.bookmark.map(|read| self.covered(read));
    }

    /// A chunk of the rows whose time has come, with the place that is covered then.
    pub fn due_chunk(&mut self, chunk: &mut Chunk, place: u64, now: Monotonic, most: usize) {
        chunk.clear();
        for Due {
            sample, catchup, ..
        } in self.due(now, most)
        {
            chunk.push_row(sample, catchup);
        }
        chunk.bookmark = Some(self.covered(place));
    }
}
