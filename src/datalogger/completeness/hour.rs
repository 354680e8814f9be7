//! One hour that differs: which rows, and whose fault it is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};

use super::{Asker, HOUR_ROWS_MAX, VerifyError};
use crate::{HourSum, Row, SUM_HOUR, SampleQuery, SeriesId, SeriesKey, Sink, row_hash};

/// This level and the other one.
pub(super) struct Both<'a> {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) series: SeriesId,
    pub(super) key: SeriesKey,
    pub(super) ask: &'a Asker,
    pub(super) heals: bool,
}

/// An hour whose sums differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourFound {
    /// Its beginning, in microseconds.
    pub start: i64,
    /// Rows here.
    pub rows_here: u64,
    /// Rows there.
    pub rows_there: u64,
    /// Rows that are there and not here.
    pub missing: u64,
    /// Rows that are here and were never there.
    pub too_many: u64,
    /// Rows of the same number that are not the same.
    pub different: u64,
    /// Rows that are here and no longer there.
    pub kept_longer: u64,
    /// Rows that are there and were let go here.
    pub let_go: u64,
    /// Rows that were fetched.
    pub healed: u64,
}

impl HourFound {
    /// Whether the difference is more than retention.
    pub fn is_fault(&self) -> bool {
        self.missing + self.too_many + self.different > 0
    }

    /// Whether nothing is wrong any more.
    pub fn is_whole(&self) -> bool {
        self.missing == self.healed && self.too_many + self.different == 0
    }
}

impl Both<'_> {
    /// Looks at the rows of an hour, and fetches those that are missing here.
    pub(super) async fn examine(
        &self,
        here: HourSum,
        there: HourSum,
        told: &LinkSumsDocument,
    ) -> Result<HourFound, VerifyError> {
        let start = here.start;
        let mut found = HourFound {
            start,
            rows_here: here.count,
            rows_there: there.count,
            ..HourFound::default()
        };
        if here.count.max(there.count) > HOUR_ROWS_MAX as u64 {
            found.different = here.count.max(there.count);
            return Ok(found);
        }
        let span = (start, start.saturating_add(SUM_HOUR));
        let (rows, lowest, highest) = self
            .blocking(move |sink, series| {
                let rows = sink.samples(&SampleQuery::new(series, span.0, span.1))?;
                let rows = rows.collect::<Result<Vec<Row>, _>>()?;
                let numbers = sink.extent(series)?.numbers;
                let lowest = numbers.map_or(0, |numbers| numbers.0);
                Ok((rows, lowest, sink.watermark(series)?))
            })
            .await?;
        // Of an hour that is wholly let go there, nothing need be asked.
        let is_gone = |row: &Row| told.lowest.is_none_or(|lowest| row.row < lowest);
        if there.count == 0
            && rows
                .iter()
                .all(|row| is_gone(row) && row.row <= told.watermark)
        {
            found.kept_longer = here.count;
            return Ok(found);
        }
        let mut mine: HashMap<u64, u64> = HashMap::new();
        mine.extend(rows.iter().map(|row| (row.row, row_hash(row))));
        let mut missing = Vec::new();
        for row in self.samples(span, there.count).await? {
            match mine.remove(&row.row) {
                Some(hash) if hash == row_hash(&row) => {}
                Some(_) => found.different += 1,
                // Retention took it here: the lowest that is left is behind it.
                None if row.row < lowest && row.row <= highest => found.let_go += 1,
                None => missing.push(row),
            }
        }
        let lowest_there = told.lowest.unwrap_or(u64::MAX);
        let (gone, left): (Vec<u64>, Vec<u64>) = mine
            .into_keys()
            .partition(|row| *row <= told.watermark && *row < lowest_there);
        // Of the rest, what is there and not shown is superseded there; the edit is not here.
        let superseded = self.are_there(&left, told.watermark).await?;
        found.kept_longer = gone.len() as u64;
        for row in left {
            match row > told.watermark || superseded.contains(&row) {
                true => found.too_many += 1,
                false => found.kept_longer += 1,
            }
        }
        found.missing = missing.len() as u64;
        if self.heals {
            found.healed = self.restore(missing).await?;
        }
        Ok(found)
    }

    /// Which of some rows the other level holds.
    async fn are_there(&self, wanted: &[u64], watermark: u64) -> Result<HashSet<u64>, VerifyError> {
        let mut there = HashSet::new();
        let within = || wanted.iter().filter(|row| **row <= watermark);
        let (Some(first), Some(last)) = (within().min(), within().max()) else {
            return Ok(there);
        };
        let mut after = first - 1;
        loop {
            let ask = LinkSums {
                after,
                last: *last,
                ..self.question("numbers")
            };
            let told = self.ask(ask).await?;
            let rows = self.rows(&told)?;
            there.extend(rows.iter().map(|row| row.row));
            match rows.last() {
                Some(row) if told.more && row.row > after => after = row.row,
                _ => return Ok(there),
            }
        }
    }

    /// The samples of a stretch at the other level.
    async fn samples(&self, span: (i64, i64), count: u64) -> Result<Vec<Row>, VerifyError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut ask = LinkSums {
            from: span.0,
            to: span.1,
            ..self.question("samples")
        };
        loop {
            let told = self.ask(ask.clone()).await?;
            let part = self.rows(&told)?;
            let Some(last) = part.last() else {
                return Ok(rows);
            };
            (ask.from, ask.after) = (last.time, last.row);
            rows.extend(part);
            // It may grow meanwhile, but not without end.
            if !told.more || rows.len() as u64 > count.saturating_mul(2) + 1000 {
                return Ok(rows);
            }
        }
    }
}
