//! Reading everything back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::blocks;
use super::file::{self, Told, read_error};
use super::merge::{Axis, Page, Plan};
use super::part::{self, Part, each_directory};
use super::shared::Shared;
use crate::{Fault, Integrity, Order, QualityFilter, SeriesId, SinkError};

/// Findings of SQLite's own check that are asked for.
const FINDINGS_MAX: usize = 10;

impl Shared {
    /// Reads every row of every part, and has SQLite check every page.
    pub(super) fn check(&self) -> Told<Integrity> {
        let mut integrity = Integrity {
            faults: self.faults.lock().clone(),
            ..Integrity::default()
        };
        for part in self.part_list() {
            integrity.files += 1;
            match self.check_part(&part) {
                Ok(rows) => integrity.rows += rows,
                Err(SinkError::Damaged { path, reason }) => {
                    part.set_damage(reason.clone());
                    let fault = Fault { file: path, reason };
                    self.report(fault.clone());
                    integrity.faults.push(fault);
                }
                Err(error) => return Err(error),
            }
        }
        let others = self.rolled.files().into_iter();
        for path in others.chain([self.ledger.path().to_owned()]) {
            integrity.files += 1;
            let connection = file::open_reader(&path).map_err(read_error(&path))?;
            if let Some(reason) = pages(&connection).map_err(read_error(&path))? {
                let fault = Fault { file: path, reason };
                self.report(fault.clone());
                integrity.faults.push(fault);
            }
        }
        Ok(integrity)
    }

    fn check_part(&self, part: &Arc<Part>) -> Told<u64> {
        let connection = part.borrow()?;
        let read = read_error(&part.path);
        connection.execute_batch("BEGIN").map_err(&read)?;
        let told = self.check_all(part, &connection);
        connection.execute_batch("COMMIT").map_err(&read)?;
        part.give_back(connection);
        told
    }

    fn check_all(&self, part: &Arc<Part>, connection: &Connection) -> Told<u64> {
        let path = &part.path;
        if let Some(reason) = pages(connection).map_err(read_error(path))? {
            return Err(file::damaged(path, reason));
        }
        let figures = part::verify(path, connection)?;
        let mut series = blocks::series(connection).map_err(read_error(path))?;
        each_directory(path, connection, |_, segments, _| {
            series.extend(segments.iter().map(|segment| segment.series));
            series.sort_unstable();
            series.dedup();
            Ok(())
        })?;
        for series in series {
            if self.settling.stopping.load(Ordering::Acquire) {
                return Err(SinkError::Stopped);
            }
            check_series(part, series)?;
        }
        Ok(figures.rows())
    }
}

/// What SQLite finds wrong with the pages of a file.
fn pages(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok((found != ["ok"]).then(|| found.join("; ")))
}

/// Reads every row of a series, as a query does.
fn check_series(part: &Arc<Part>, series: SeriesId) -> Told<()> {
    const PAGE: usize = 16 << 10;
    let plan = Plan {
        series,
        axis: Axis::Time(Order::Ascending),
        times: (i64::MIN, i64::MAX),
        quality: QualityFilter::Any,
    };
    let mut after = None;
    loop {
        let mut page = Page::new(&plan, vec![Arc::clone(part)], after, None);
        let more = page.fill(PAGE)?;
        after = page.rows.last().map(|row| plan.place(row.time, row.row));
        if !more {
            return Ok(());
        }
    }
}
