//! A part whose log is copied into it: opened again after a failure, or made one plain file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::{absorb_staged, begin, put_aside};
use crate::SinkError;
use crate::sqlite::edits;
use crate::sqlite::file::{self, Told, read_error, write_error};
use crate::sqlite::lost::Lost;
use crate::sqlite::part::{self, Part};
use crate::sqlite::shared::Shared;
use crate::sqlite::trouble::is_damaged;

/// Opens the newest part again after a failure. What it holds beyond what was acknowledged counts
/// as stored from now on, after it was written anew: of a failed sync nobody knows what lasted.
pub(crate) fn reopen(shared: &Shared) -> Told<(Arc<Part>, Connection)> {
    let part = shared.active().ok_or(SinkError::Stopped)?;
    let told = reopen_part(shared, &part);
    if !is_damaged(&told) {
        return Ok((part, told?));
    }
    let mut lost = None;
    if let Err(SinkError::Damaged { reason, .. }) = told {
        let fault = put_aside(&part.path, reason)?;
        lost = Some(Lost::Part(part.number, fault.file.clone()));
        shared.report(fault);
    }
    // What was acknowledged stays acknowledged: its numbers are never given out again.
    let begun = begin(shared)?;
    shared
        .parts
        .write()
        .retain(|other| other.number != part.number);
    shared.lost(lost.as_slice(), shared.catalogue.log());
    Ok(begun)
}

fn reopen_part(shared: &Shared, part: &Part) -> Told<Connection> {
    let path = &part.path;
    let opened = file::open_writer(path, shared.config.synchronous);
    let connection = opened.map_err(|error| match file::is_damage(&error) {
        true => read_error(path)(error),
        false => write_error(path)(error),
    })?;
    checkpoint(path, &connection)?;
    let figures = part::verify(path, &connection)?;
    let mut numbers = HashMap::new();
    absorb_staged(path, &connection, &mut numbers)?;
    let mut hidden = shared.edits.all();
    edits::read(path, &connection, &mut hidden)?;
    // A write proves that the disk takes one.
    figures.save(&connection).map_err(write_error(path))?;
    part.set_figures(figures);
    let mut stored = shared.numbers.write();
    for (series, found) in numbers {
        stored.entry(series).or_default().absorb(found.ranges());
    }
    drop(stored);
    shared.edits.publish(hidden);
    Ok(connection)
}

/// Copies the whole log into the file and syncs it.
fn checkpoint(path: &Path, connection: &Connection) -> Told<()> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(write_error(path))?;
    match busy {
        0 => Ok(()),
        _ => Err(SinkError::Failed {
            path: path.to_owned(),
            reason: "somebody reads it still".to_owned(),
        }),
    }
}

/// Gives back the room of what was staged and makes a part one plain file.
pub(crate) fn make_plain(path: &Path, connection: &mut Connection) -> Told<()> {
    let vacuum = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare("PRAGMA incremental_vacuum")?;
        let mut freed = statement.query([])?;
        while freed.next()?.is_some() {}
        Ok(())
    };
    vacuum().map_err(write_error(path))?;
    checkpoint(path, connection)?;
    connection.flush_prepared_statement_cache();
    let mode: String = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .map_err(|error| SinkError::Read {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    match mode.as_str() {
        "delete" => Ok(()),
        _ => Err(SinkError::Read {
            path: path.to_owned(),
            reason: "somebody reads it still".to_owned(),
        }),
    }
}
