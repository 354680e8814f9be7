//! One step of the settler as a transaction: staged rows and small blocks go, blocks come.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::blocks::{self, Encoded, Head};
use super::file::{Told, write_error};
use super::part::Part;
use super::parts::put_numbers;
use crate::codec::block::{BLOCK_BYTES_MAX, BLOCK_ROWS_MAX};
use crate::codec::staged;
use crate::numbers::Numbers;
use crate::{Logged, Row, SeriesId};

/// What is written and removed in one transaction.
pub(super) struct Swap {
    pub(super) part: Arc<Part>,
    pub(super) batches: Vec<(i64, u64)>,
    pub(super) rows: u64,
    pub(super) numbers: HashMap<SeriesId, Numbers>,
    pub(super) merged: Vec<Head>,
    pub(super) blocks: Vec<Encoded>,
}

impl Swap {
    pub(super) fn new(part: &Arc<Part>) -> Self {
        Self {
            part: Arc::clone(part),
            batches: Vec::new(),
            rows: 0,
            numbers: HashMap::new(),
            merged: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Adds rows of one series, together with those of blocks that they replace.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        mut rows: Vec<Row>,
        merged: Vec<Head>,
    ) -> Told<()> {
        for head in &merged {
            rows.extend(blocks::read(&self.part.path, connection, head)?);
        }
        self.merged.extend(merged);
        rows.sort_by_key(|row| (row.time, row.row));
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let (block, after) = rest.split_at(block_length(rest));
            self.blocks.extend(blocks::encode(block));
            rest = after;
        }
        Ok(())
    }

    /// Writes it, by the writing thread.
    pub(super) fn write(&self, connection: &mut Connection) -> Told<()> {
        let mut figures = self.part.figures();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            for (id, mark) in &self.batches {
                transaction
                    .prepare_cached("DELETE FROM staging WHERE id = ?1")?
                    .execute([id])?;
                figures.batch_sum = figures.batch_sum.wrapping_sub(*mark);
            }
            for head in &self.merged {
                blocks::remove(&transaction, head.id)?;
                figures.block_sum = figures.block_sum.wrapping_sub(head.mark());
            }
            for block in &self.blocks {
                let head = Head {
                    id: figures.next_block,
                    ..block.head
                };
                blocks::insert(&transaction, &head, &block.data)?;
                figures.next_block += 1;
                figures.block_sum = figures.block_sum.wrapping_add(head.mark());
            }
            figures.staged -= self.rows;
            figures.settled += self.rows;
            self.write_numbers(&transaction)?;
            figures.save(&transaction)?;
            transaction.commit()
        };
        write().map_err(write_error(&self.part.path))?;
        self.part.set_figures(figures);
        Ok(())
    }

    /// The directories go, so what they say of row numbers moves into the table.
    fn write_numbers(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (series, fresh) in &self.numbers {
            let mut statement =
                connection.prepare_cached("SELECT data FROM numbers WHERE series = ?1")?;
            let mut found = statement.query([series.0])?;
            let mut stored = Numbers::default();
            if let Some(row) = found.next()? {
                let ranges = staged::ranges_from_bytes(*series, row.get_ref(0)?.as_blob()?);
                // Damage is found when the part is opened; nothing acknowledged may be forgotten.
                stored.absorb(&ranges.unwrap_or_default());
            }
            drop(found);
            stored.absorb(fresh.ranges());
            put_numbers(connection, *series, &stored)?;
        }
        Ok(())
    }
}

/// How many rows the next block takes: equal shares, and fewer where texts are long.
fn block_length(rows: &[Row]) -> usize {
    let blocks = rows.len().div_ceil(BLOCK_ROWS_MAX);
    let share = rows.len().div_ceil(blocks.max(1));
    let mut bytes = 0;
    let fitting = rows[..share].iter().take_while(|row| {
        if let Logged::Text(text) = &row.value {
            bytes += text.len();
        }
        bytes < BLOCK_BYTES_MAX / 2
    });
    fitting.count().max(1)
}
