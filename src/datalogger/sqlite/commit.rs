//! One commit: rows of many callers become one blob with its directory.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::edits::{Edits, Hidden};
use super::figures::Figures;
use super::part::batch_mark;
use super::queue::Append;
use crate::codec::staged::{self, Segment};
use crate::numbers::Numbers;
use crate::{Row, SeriesId};

/// What a commit writes.
pub(super) struct Batch {
    directory: Vec<u8>,
    data: Vec<u8>,
    pub(super) segments: Vec<Segment>,
    /// What is hidden with the edits among the rows, by series.
    pub(super) hidden: Hidden,
    rows: u64,
    times: Option<(i64, i64)>,
    /// Rows that are stored already.
    pub(super) repeated: u64,
}

impl Batch {
    /// Sorts rows by series and leaves out what is stored already. An error names a series whose
    /// rows arrive in too many pieces.
    pub(super) fn of(
        appends: &[Append],
        numbers: &HashMap<SeriesId, Numbers>,
        edits: &Edits,
    ) -> Result<Self, SeriesId> {
        let fresh = appends.iter().filter(|append| !append.again);
        let mut rows: Vec<&Row> = fresh.flat_map(|append| &append.rows).collect();
        // Stable, so that of a row that is there twice the first one is kept.
        rows.sort_by_key(|row| (row.series, row.row));
        let mut batch = Self {
            directory: Vec::new(),
            data: Vec::with_capacity(rows.len() * 16),
            segments: Vec::new(),
            hidden: Hidden::new(),
            rows: 0,
            times: None,
            repeated: 0,
        };
        let nothing = Numbers::default();
        for same in rows.chunk_by(|left, right| left.series == right.series) {
            let stored = numbers.get(&same[0].series).unwrap_or(&nothing);
            batch.add(same, stored)?;
        }
        for (series, first, last) in appends.iter().filter_map(|append| append.forgone) {
            let stored = numbers.get(&series).unwrap_or(&nothing);
            fits(series, stored, &[(first, last)])?;
            let segment = staged::put_segment(&mut batch.data, &[], vec![(first, last)]);
            batch.segments.push(Segment { series, ..segment });
        }
        for append in appends.iter().filter(|append| append.again) {
            let series = |left: &Row, right: &Row| left.series == right.series;
            for same in append.rows.chunk_by(series) {
                batch.put_again(same);
            }
        }
        let edited: Vec<_> = appends.iter().flat_map(|append| &append.edits).collect();
        if !edited.is_empty() {
            batch.hidden = edits.with(&edited)?;
        }
        batch.directory = staged::directory(&batch.segments);
        Ok(batch)
    }

    /// Adds the rows of one series, in the order of their numbers.
    fn add(&mut self, same: &[&Row], stored: &Numbers) -> Result<(), SeriesId> {
        let series = same[0].series;
        let in_order = same.windows(2).all(|pair| pair[0].row + 1 == pair[1].row);
        let highest = stored.ranges().last().map_or(0, |range| range.1);
        // Nearly always all of them are new and follow each other.
        if in_order && same[0].row > highest {
            let numbers = vec![(same[0].row, same[same.len() - 1].row)];
            fits(series, stored, &numbers)?;
            self.put(same, numbers);
            return Ok(());
        }
        let mut fresh: Vec<&Row> = Vec::with_capacity(same.len());
        let mut numbers = Numbers::default();
        for row in same {
            let twice = fresh.last().is_some_and(|before| before.row == row.row);
            if twice || stored.contains(row.row) {
                self.repeated += 1;
            } else {
                numbers.insert(row.row, row.row);
                fresh.push(row);
            }
        }
        if !fresh.is_empty() {
            fits(series, stored, numbers.ranges())?;
            self.put(&fresh, numbers.ranges().to_vec());
        }
        Ok(())
    }

    /// Adds rows of one series whatever is stored.
    fn put_again(&mut self, rows: &[Row]) {
        let mut numbers = Numbers::default();
        rows.iter().for_each(|row| numbers.insert(row.row, row.row));
        let rows: Vec<&Row> = rows.iter().collect();
        self.put(&rows, numbers.ranges().to_vec());
    }

    fn put(&mut self, rows: &[&Row], numbers: Vec<(u64, u64)>) {
        let segment = staged::put_segment(&mut self.data, rows, numbers);
        let times = self.times.get_or_insert(segment.times);
        *times = (times.0.min(segment.times.0), times.1.max(segment.times.1));
        self.rows += rows.len() as u64;
        self.segments.push(segment);
    }

    /// Whether there is nothing to write: everything is stored already.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Writes the batch, within a transaction, and moves the figures.
    pub(super) fn write(
        &self,
        connection: &Connection,
        figures: &mut Figures,
    ) -> rusqlite::Result<()> {
        let id = figures.next_batch;
        connection
            .prepare_cached("INSERT INTO staging (id, directory, data) VALUES (?1, ?2, ?3)")?
            .execute(params![id, self.directory, self.data])?;
        figures.next_batch += 1;
        figures.staged += self.rows;
        let mark = batch_mark(id, crc32fast::hash(&self.directory));
        figures.batch_sum = figures.batch_sum.wrapping_add(mark);
        if let Some(times) = self.times {
            figures.widen(times);
        }
        super::edits::put(connection, &self.hidden)?;
        figures.save(connection)
    }
}

fn fits(series: SeriesId, stored: &Numbers, more: &[(u64, u64)]) -> Result<(), SeriesId> {
    // One more range can add at most one piece, so mostly nothing needs to be tried.
    if stored.ranges().len() + more.len() < crate::numbers::PIECES_MAX {
        return Ok(());
    }
    let mut after = stored.clone();
    after.absorb(more);
    match after.is_scattered() {
        true => Err(series),
        false => Ok(()),
    }
}
