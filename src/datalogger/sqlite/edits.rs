//! What edits hide: known in memory, written with the rows that say so, carried from part to part.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use rusqlite::{Connection, params};

use super::blocks;
use super::file::{Told, damaged, read_error};
use super::merge::{Axis, Plan, read_staged, staged_segments};
use super::part::Part;
use super::shared::Shared;
use crate::codec::hidden;
use crate::superseded::Superseded;
use crate::{Logged, Order, QualityFilter, Row, SeriesId};

/// What is hidden, by series.
pub(super) type Hidden = HashMap<SeriesId, Arc<Superseded>>;

/// An edit among rows that are handed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edited {
    pub(super) series: SeriesId,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) row: u64,
}

/// The edits of a store.
#[derive(Default)]
pub(super) struct Edits {
    known: RwLock<Hidden>,
    /// Held by whoever reads a page, and for writing by the commit of an edit: a page shows the
    /// rows before it or behind it, never a mixture.
    gate: RwLock<()>,
}

impl Edits {
    pub(super) fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read()
    }

    pub(super) fn writing(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write()
    }

    /// What is hidden of a series; nothing if it was never edited.
    pub(super) fn of(&self, series: SeriesId) -> Option<Arc<Superseded>> {
        self.known.read().get(&series).cloned()
    }

    pub(super) fn all(&self) -> Hidden {
        self.known.read().clone()
    }

    pub(super) fn publish(&self, changed: Hidden) {
        self.known.write().extend(changed);
    }

    /// What is hidden with some edits more, for their series; an error names a series that has too
    /// many.
    pub(super) fn with(&self, edited: &[&Edited]) -> Result<Hidden, SeriesId> {
        let mut changed: HashMap<SeriesId, Superseded> = HashMap::new();
        for edit in edited {
            let of = || self.of(edit.series).map(|known| (*known).clone());
            let entry = changed.entry(edit.series);
            let superseded = entry.or_insert_with(|| of().unwrap_or_default());
            superseded.insert(edit.from, edit.to, edit.row);
            if superseded.is_scattered() {
                return Err(edit.series);
            }
        }
        let changed = changed.into_iter();
        Ok(changed
            .map(|(series, hidden)| (series, Arc::new(hidden)))
            .collect())
    }
}

/// Writes what is hidden, within a transaction.
pub(super) fn put(connection: &Connection, hidden: &Hidden) -> rusqlite::Result<()> {
    for (series, superseded) in hidden {
        connection
            .prepare_cached("INSERT OR REPLACE INTO superseded (series, data) VALUES (?1, ?2)")?
            .execute(params![series.0, hidden::encode(*series, superseded)])?;
    }
    Ok(())
}

/// Reads what a part says is hidden. Parts of an older layout say nothing.
pub(super) fn read(path: &Path, connection: &Connection, into: &mut Hidden) -> Told<()> {
    let read = read_error(path);
    let named = "SELECT count(*) FROM sqlite_master WHERE name = 'superseded'";
    let tables: i64 = connection
        .query_row(named, [], |row| row.get(0))
        .map_err(&read)?;
    if tables == 0 {
        return Ok(());
    }
    let mut statement = connection
        .prepare("SELECT series, data FROM superseded")
        .map_err(&read)?;
    let mut found = statement.query([]).map_err(&read)?;
    while let Some(row) = found.next().map_err(&read)? {
        let series = SeriesId(row.get(0).map_err(&read)?);
        let bytes: Vec<u8> = row.get(1).map_err(&read)?;
        let told = hidden::decode(series, &bytes)
            .map_err(|_| damaged(path, "its table of edits is damaged"))?;
        let known = into.entry(series).or_default();
        Arc::make_mut(known).absorb(&told);
    }
    Ok(())
}

impl Shared {
    /// The edits of a series that are held, in the order of their numbers.
    pub(super) fn edits_of(&self, series: SeriesId) -> Told<Vec<Row>> {
        let Some(known) = self.edits.of(series) else {
            return Ok(Vec::new());
        };
        let mut rows = Vec::new();
        for part in self.part_list() {
            edits_in(&part, series, known.edits(), &mut rows)?;
        }
        rows.sort_by_key(|row| row.row);
        rows.dedup_by_key(|row| row.row);
        Ok(rows)
    }
}

fn edits_in(part: &Arc<Part>, series: SeriesId, wanted: &[u64], rows: &mut Vec<Row>) -> Told<()> {
    let connection = match part.borrow() {
        // Retention took the file since the list of parts was read.
        Err(_) if !part.path.exists() => return Ok(()),
        borrowed => borrowed?,
    };
    let plan = Plan {
        series,
        axis: Axis::Time(Order::Ascending),
        times: (i64::MIN, i64::MAX),
        quality: QualityFilter::Any,
    };
    let has = |(low, high): (u64, u64)| {
        let place = wanted.partition_point(|row| *row < low);
        wanted.get(place).is_some_and(|row| *row <= high)
    };
    let read = read_error(&part.path);
    connection.execute_batch("BEGIN").map_err(&read)?;
    let mut take = |found: Vec<Row>| {
        let is_edit = |row: &Row| matches!(row.value, Logged::Edit(_));
        rows.extend(found.into_iter().filter(is_edit));
    };
    for (batch, segment) in staged_segments(&part.path, &connection, &plan)? {
        if segment.numbers.iter().any(|range| has(*range)) {
            take(read_staged(&part.path, &connection, batch, &segment)?);
        }
    }
    for head in blocks::heads(&connection, series, plan.times).map_err(&read)? {
        if has(head.numbers) {
            take(blocks::read(&part.path, &connection, &head)?);
        }
    }
    connection.execute_batch("COMMIT").map_err(&read)?;
    part.give_back(connection);
    Ok(())
}
