//! The parts of a store: found at the start, begun, opened again, made plain.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::catalogue::{insert_series, read_series};
use super::config::{SqliteConfig, Synchronous};
use super::edits::{self, Hidden};
use super::file::{self, Told, damaged, open_error, read_error, write_error};
use super::part::{Part, each_directory};
use super::reached::Reached;
use super::shared::Shared;
use super::trouble::is_damaged;
use crate::codec::staged;
use crate::numbers::Numbers;
use crate::{Fault, SeriesId, SeriesKey, SinkError};

/// Parts of one store: a day each is ten years and more.
const PARTS_MAX: usize = 10_000;

/// What lies in a store's folder.
#[derive(Default)]
pub(super) struct Found {
    pub(super) parts: Vec<Arc<Part>>,
    pub(super) numbers: HashMap<SeriesId, Numbers>,
    pub(super) hidden: Hidden,
    pub(super) series: Vec<(SeriesId, SeriesKey)>,
    pub(super) faults: Vec<Fault>,
    /// The newest part was lost, and with it perhaps row numbers that others know.
    pub(super) lost_newest: bool,
    /// The highest number that a part ever had here.
    pub(super) highest: u64,
}

/// The path of a part.
fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("part-{number:08}.db"))
}

/// Opens every part, oldest first. What is damaged is set aside and named.
pub(super) fn find(config: &SqliteConfig, with_series: bool, finished: u64) -> Told<Found> {
    let mut found = Found::default();
    let numbers = numbers_in(&config.folder)?;
    found.highest = numbers.last().copied().unwrap_or_default().max(finished);
    let newest = found.highest;
    if finished > 0 && !numbers.contains(&finished) {
        found.lost_newest = true;
        found.faults.push(Fault {
            file: path_of(&config.folder, finished),
            reason: "it is missing".to_owned(),
        });
    }
    for number in numbers {
        let path = path_of(&config.folder, number);
        let told = look_into(&path, number, with_series);
        match told {
            Ok(Some((part, series))) => {
                found.series.extend(series);
                found.parts.push(Arc::new(part));
            }
            // It was never finished, so nothing in it was acknowledged.
            Ok(None) if number > finished => {
                file::delete(&path).map_err(|error| open_error(&path, error))?
            }
            Ok(None) => {
                found.lost_newest |= number == newest;
                found
                    .faults
                    .push(put_aside(&path, "its head is gone".to_owned())?);
            }
            Err(SinkError::Damaged { reason, .. }) => {
                found.lost_newest |= number == newest;
                found.faults.push(put_aside(&path, reason)?);
            }
            Err(error) => return Err(error),
        }
    }
    find_lost_end(config, &mut found);
    load_numbers(&mut found)?;
    // Each part repeats what was known when it was begun, so that no single file is needed.
    for part in &found.parts {
        let connection = part.borrow()?;
        edits::read(&part.path, &connection, &mut found.hidden)?;
        part.give_back(connection);
    }
    Ok(found)
}

/// A newest part that is behind the note of how far it had come has lost its end.
fn find_lost_end(config: &SqliteConfig, found: &mut Found) {
    let Some(part) = found.parts.last().filter(|_| !found.lost_newest) else {
        return;
    };
    let reached = Reached {
        part: part.number,
        next_batch: part.figures().next_batch,
    };
    if Reached::read(&config.folder).is_some_and(|noted| noted > reached) {
        found.lost_newest = true;
        found.faults.push(Fault {
            file: file::beside(&part.path, "-wal"),
            reason: "samples that were acknowledged are missing at its end".to_owned(),
        });
    }
}

fn put_aside(path: &Path, reason: String) -> Told<Fault> {
    let file = file::set_aside(path).map_err(|error| open_error(path, error))?;
    Ok(Fault { file, reason })
}

fn numbers_in(folder: &Path) -> Told<Vec<u64>> {
    let list = || -> std::io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix("part-"));
            let digits = digits.and_then(|name| name.strip_suffix(".db"));
            numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    };
    let numbers = list().map_err(|error| open_error(folder, error))?;
    match numbers.len() > PARTS_MAX {
        true => Err(open_error(folder, format!("more than {PARTS_MAX} parts"))),
        false => Ok(numbers),
    }
}

type Looked = Option<(Part, Vec<(SeriesId, SeriesKey)>)>;

/// Opens and verifies one part.
fn look_into(path: &Path, number: u64, with_series: bool) -> Told<Looked> {
    let sealed = is_plain(path).map_err(|error| open_error(path, error))?;
    let Some((part, connection)) = Part::open(path, number, sealed)? else {
        return Ok(None);
    };
    let series = match with_series {
        true => read_series(path, &connection)?,
        false => Vec::new(),
    };
    Ok(Some((part, series)))
}

/// Whether a file has no log beside it (byte 18 of its head: 1, not 2).
fn is_plain(path: &Path) -> std::io::Result<bool> {
    let mut head = [0_u8; 20];
    match fs::File::open(path)?.read_exact(&mut head) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
        Ok(()) => Ok(head[18] == 1),
    }
}

/// The row numbers: the newest part has all of them, up to when it was begun or last settled;
/// what is staged since stands in the directories.
fn load_numbers(found: &mut Found) -> Told<()> {
    for part in found.parts.iter().rev().take(1) {
        let connection = part.borrow()?;
        read_numbers(&part.path, &connection, &mut found.numbers)?;
        part.give_back(connection);
    }
    for part in &found.parts {
        if !part.known().sealed {
            let connection = part.borrow()?;
            absorb_staged(&part.path, &connection, &mut found.numbers)?;
            part.give_back(connection);
        }
    }
    Ok(())
}

fn read_numbers(
    path: &Path,
    connection: &Connection,
    numbers: &mut HashMap<SeriesId, Numbers>,
) -> Told<()> {
    let read = read_error(path);
    let mut statement = connection
        .prepare_cached("SELECT series, data FROM numbers")
        .map_err(&read)?;
    let mut found = statement.query([]).map_err(&read)?;
    while let Some(row) = found.next().map_err(&read)? {
        let series = SeriesId(row.get(0).map_err(&read)?);
        let bytes: Vec<u8> = row.get(1).map_err(&read)?;
        let ranges = staged::ranges_from_bytes(series, &bytes)
            .map_err(|_| damaged(path, "its table of row numbers is damaged"))?;
        numbers.entry(series).or_default().absorb(&ranges);
    }
    Ok(())
}

fn absorb_staged(
    path: &Path,
    connection: &Connection,
    numbers: &mut HashMap<SeriesId, Numbers>,
) -> Told<()> {
    each_directory(path, connection, |_, segments, _| {
        for segment in segments {
            let stored = numbers.entry(segment.series).or_default();
            stored.absorb(&segment.numbers);
        }
        Ok(())
    })
}

/// Row numbers and edits are part of what a part must have to be whole.
pub(super) fn verify_numbers(path: &Path, connection: &Connection) -> Told<()> {
    read_numbers(path, connection, &mut HashMap::new())?;
    edits::read(path, connection, &mut Hidden::new())
}

/// Makes the first part, or the next one behind the highest number.
pub(super) fn create(
    folder: &Path,
    number: u64,
    created: i64,
    synchronous: Synchronous,
    series: &[(SeriesId, SeriesKey)],
    (numbers, hidden): (&HashMap<SeriesId, Numbers>, &Hidden),
) -> Told<(Arc<Part>, Connection)> {
    let path = path_of(folder, number);
    // A leftover of an attempt that failed half-way.
    file::delete(&path).map_err(|error| SinkError::Failed {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let fill = |connection: &Connection| {
        for (id, key) in series {
            insert_series(connection, *id, key)?;
        }
        for (series, stored) in numbers {
            put_numbers(connection, *series, stored)?;
        }
        edits::put(connection, hidden)
    };
    let (part, connection) =
        Part::create(&path, number, created, synchronous, fill).map_err(write_error(&path))?;
    Ok((Arc::new(part), connection))
}

/// Writes the row numbers of one series.
pub(super) fn put_numbers(
    connection: &Connection,
    series: SeriesId,
    stored: &Numbers,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO numbers (series, data) VALUES (?1, ?2)")?
        .execute(params![series.0, stored.to_bytes(series)])?;
    Ok(())
}

/// Begins a new part behind the newest.
pub(super) fn begin(shared: &Shared) -> Told<(Arc<Part>, Connection)> {
    let number = shared.active().map_or(1, |part| part.number + 1);
    let numbers = shared.numbers.read().clone();
    let (part, connection) = create(
        &shared.config.folder,
        number,
        shared.clock.now().micros(),
        shared.config.synchronous,
        &shared.catalogue.list(),
        (&numbers, &shared.edits.all()),
    )?;
    shared.catalogue.set_newest_part(number)?;
    shared.parts.write().push(Arc::clone(&part));
    Ok((part, connection))
}

/// Opens the newest part again after a failure. What it holds beyond what was acknowledged counts
/// as stored from now on, after it was written anew: of a failed sync nobody knows what lasted.
pub(super) fn reopen(shared: &Shared) -> Told<(Arc<Part>, Connection)> {
    let part = shared.active().ok_or(SinkError::Stopped)?;
    let told = reopen_part(shared, &part);
    if !is_damaged(&told) {
        return Ok((part, told?));
    }
    if let Err(SinkError::Damaged { reason, .. }) = told {
        let fault = put_aside(&part.path, reason)?;
        shared.report(fault);
    }
    // What was acknowledged stays acknowledged: its numbers are never given out again.
    let begun = begin(shared)?;
    shared
        .parts
        .write()
        .retain(|other| other.number != part.number);
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
    let figures = super::part::verify(path, &connection)?;
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
pub(super) fn make_plain(path: &Path, connection: &mut Connection) -> Told<()> {
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
