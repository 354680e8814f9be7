//! A sink in memory, for tests of what stands before sinks: it keeps every promise but the disk's.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    Durable, Extent, Gap, GapId, GapQuery, Healing, Integrity, LogId, Logged, Order, Policy,
    Refused, Retained, Rollup, RollupBatch, RollupQuery, Rollups, Row, RowQuery, SampleQuery,
    Samples, SeriesId, SeriesKey, Sink, SinkError, SinkState, Stats, Step,
};

#[derive(Default)]
pub(crate) struct MemorySink {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    keys: Vec<SeriesKey>,
    rows: BTreeMap<(SeriesId, i64, u64), Row>,
    rollups: BTreeMap<(SeriesId, Step, i64), Rollup>,
    covered: HashMap<SeriesId, u64>,
    gaps: Vec<Gap>,
    is_away: bool,
}

fn is_edit(row: &Row) -> bool {
    matches!(row.value, Logged::Edit(_))
}

fn hides(edit: &Row, row: &Row) -> bool {
    let Logged::Edit(what) = &edit.value else {
        return false;
    };
    edit.series == row.series && row.row < edit.row && (edit.time..what.to).contains(&row.time)
}

impl MemorySink {
    /// Whether it refuses rows, as a full disk does.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.inner.lock().is_away = is_away;
    }

    pub(crate) fn all(&self, series: SeriesId) -> Vec<Row> {
        let query = SampleQuery::new(series, i64::MIN, i64::MAX);
        self.samples(&query).unwrap().map(Result::unwrap).collect()
    }

    /// Everything stored, in the order of time.
    fn every(&self, series: SeriesId) -> Vec<Row> {
        let inner = self.inner.lock();
        let mine = inner.rows.values().filter(|row| row.series == series);
        mine.cloned().collect()
    }

    pub(crate) fn all_rollups(&self) -> Vec<Rollup> {
        self.inner.lock().rollups.values().cloned().collect()
    }

    /// Deletes rows before a moment, as retention does.
    pub(crate) fn forget_before(&self, at: i64) {
        self.inner.lock().rows.retain(|(_, time, _), _| *time >= at);
    }
}

impl Sink for MemorySink {
    fn log_id(&self) -> LogId {
        LogId(Uuid::nil())
    }

    fn register(&self, keys: &[SeriesKey]) -> Result<Vec<SeriesId>, SinkError> {
        let known = &mut self.inner.lock().keys;
        let number = |key: &SeriesKey| {
            let place = known.iter().position(|other| other == key);
            let place = place.unwrap_or_else(|| {
                known.push(key.clone());
                known.len() - 1
            });
            SeriesId(u32::try_from(place + 1).unwrap())
        };
        Ok(keys.iter().map(number).collect())
    }

    fn list(&self) -> Vec<(SeriesId, SeriesKey)> {
        let keys = self.inner.lock().keys.clone();
        let numbered = keys.into_iter().enumerate();
        let number = |place: usize| SeriesId(u32::try_from(place + 1).unwrap());
        numbered.map(|(place, key)| (number(place), key)).collect()
    }

    fn append(&self, rows: Vec<Row>) -> Durable {
        let inner = &mut *self.inner.lock();
        if inner.is_away {
            let error = SinkError::Failed {
                path: "memory".into(),
                reason: "it is away".into(),
            };
            return Durable::ready(Err(Refused { error, rows }));
        }
        for row in rows {
            inner.rows.insert((row.series, row.time, row.row), row);
        }
        Durable::ready(Ok(()))
    }

    fn forgo(&self, _: SeriesId, _: u64, _: u64) -> Durable {
        panic!("a recorder has every row that it hands over")
    }

    fn restore(&self, _: Vec<Row>) -> Result<u64, SinkError> {
        panic!("a recorder restores nothing")
    }

    fn edits(&self, series: SeriesId) -> Result<Vec<Row>, SinkError> {
        let mut rows = self.every(series);
        rows.retain(is_edit);
        rows.sort_by_key(|row| row.row);
        Ok(rows)
    }

    fn record_gap(&self, gap: &Gap) -> Result<GapId, SinkError> {
        let gaps = &mut self.inner.lock().gaps;
        gaps.push(gap.clone());
        Ok(GapId(gaps.len() as u64))
    }

    fn gaps(&self, query: &GapQuery) -> Result<Vec<(GapId, Gap)>, SinkError> {
        let gaps = self.inner.lock().gaps.clone();
        let numbered = (1..).map(GapId).zip(gaps);
        let wanted = |(id, gap): &(GapId, Gap)| {
            *id > query.after && query.series.is_none_or(|series| series == gap.series)
        };
        Ok(numbered.filter(wanted).take(query.limit).collect())
    }

    fn heal_gap(&self, id: GapId, state: Healing) -> Result<(), SinkError> {
        let place = usize::try_from(id.0 - 1).unwrap();
        self.inner.lock().gaps[place].state = state;
        Ok(())
    }

    fn put_rollups(&self, batch: &RollupBatch) -> Result<(), SinkError> {
        let inner = &mut *self.inner.lock();
        for rollup in &batch.rollups {
            let key = (rollup.series, rollup.step, rollup.start);
            inner.rollups.insert(key, rollup.clone());
        }
        inner.covered.extend(batch.covered.iter().copied());
        Ok(())
    }

    fn covered(&self, series: SeriesId) -> Result<u64, SinkError> {
        Ok(self.inner.lock().covered.get(&series).copied().unwrap_or(0))
    }

    fn samples(&self, query: &SampleQuery) -> Result<Samples, SinkError> {
        let query = *query;
        let inner = self.inner.lock();
        let fits = |row: &&Row| {
            row.series == query.series
                && (query.from..query.to).contains(&row.time)
                && query.quality.admits(row.quality)
        };
        let edits: Vec<Row> = inner
            .rows
            .values()
            .filter(|row| is_edit(row))
            .cloned()
            .collect();
        let newest = |row: &&Row| !is_edit(row) && !edits.iter().any(|edit| hides(edit, row));
        let mut rows: Vec<Row> = inner
            .rows
            .values()
            .filter(fits)
            .filter(newest)
            .cloned()
            .collect();
        let after = query.after;
        match query.order {
            Order::Ascending => rows.retain(|row| after.is_none_or(|at| (row.time, row.row) > at)),
            Order::Descending => {
                rows.reverse();
                rows.retain(|row| after.is_none_or(|at| (row.time, row.row) < at));
            }
        }
        rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(Box::new(rows.into_iter().map(Ok)))
    }

    fn rows(&self, query: &RowQuery) -> Result<Samples, SinkError> {
        let (series, after) = (query.series, query.after);
        let mut rows = self.every(series);
        rows.retain(|row| row.row > after);
        rows.sort_by_key(|row| row.row);
        rows.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(Box::new(rows.into_iter().map(Ok)))
    }

    fn rollups(&self, query: &RollupQuery) -> Result<Rollups, SinkError> {
        let inner = self.inner.lock();
        let span = (query.series, query.step, query.from)..(query.series, query.step, query.to);
        let mut found: Vec<Rollup> = inner.rollups.range(span).map(|(_, r)| r.clone()).collect();
        if query.order == Order::Descending {
            found.reverse();
        }
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(Box::new(found.into_iter().map(Ok)))
    }

    fn last(&self, series: SeriesId) -> Result<Option<Row>, SinkError> {
        Ok(self.all(series).pop())
    }

    fn watermark(&self, series: SeriesId) -> Result<u64, SinkError> {
        Ok(self
            .every(series)
            .iter()
            .map(|row| row.row)
            .max()
            .unwrap_or(0))
    }

    fn extent(&self, series: SeriesId) -> Result<Extent, SinkError> {
        let rows = self.every(series);
        let numbers = rows.iter().map(|row| row.row);
        Ok(Extent {
            rows: rows.len() as u64,
            numbers: numbers.clone().min().zip(numbers.max()),
            times: rows
                .first()
                .map(|row| row.time)
                .zip(rows.last().map(|row| row.time)),
        })
    }

    fn retain(&self, _: &Policy) -> Result<Retained, SinkError> {
        Ok(Retained::default())
    }

    fn stats(&self) -> Stats {
        let inner = self.inner.lock();
        Stats {
            state: SinkState::Working,
            bytes: 0,
            rows: inner.rows.len() as u64,
            staged: 0,
            waiting: 0,
            series: inner.keys.len() as u64,
            files: 0,
            times: None,
            bytes_per_day: None,
            days_left: None,
            acknowledged: inner.rows.len() as u64,
            repeated: 0,
            refused: 0,
            commits: 0,
        }
    }

    fn integrity(&self) -> Result<Integrity, SinkError> {
        Ok(Integrity::default())
    }
}
