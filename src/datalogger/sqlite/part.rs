//! One file of samples.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::blocks;
use super::config::Synchronous;
use super::figures::{Figures, mix};
use super::file::{self, Told, damaged, read_error};
use super::parts;
use crate::codec::staged;

/// The layout of a part. A higher number is of a newer program and is not touched.
pub(super) const LAYOUT: i64 = 2;
/// The layout that knew no edits. A part of it that is still written gets the table for them.
const LAYOUT_WITHOUT_EDITS: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE figures (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE series (
    id INTEGER PRIMARY KEY, origin BLOB NOT NULL, log BLOB NOT NULL, logger TEXT NOT NULL,
    checksum INTEGER NOT NULL);
CREATE TABLE numbers (series INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE superseded (series INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE staging (id INTEGER PRIMARY KEY, directory BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE block (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, rows INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
    checksum INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX block_of ON block (series, first, last, rows, low, high);
";

/// Connections of readers kept open for the next one.
const IDLE_MAX: usize = 2;

/// What is known of a part without opening it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) figures: Figures,
    /// Nothing is written into it any more and it is one file.
    pub(super) sealed: bool,
    /// What is wrong with it, if it was found to be damaged.
    pub(super) damage: Option<String>,
}

/// One file of samples.
pub(super) struct Part {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    known: Mutex<Known>,
    idle: Mutex<Vec<Connection>>,
}

impl Part {
    fn new(number: u64, path: &Path, figures: Figures) -> Self {
        Self {
            number,
            path: path.to_owned(),
            known: Mutex::new(Known {
                figures,
                sealed: false,
                damage: None,
            }),
            idle: Mutex::default(),
        }
    }

    /// Makes a new file. `fill` puts in what it must have from the beginning.
    pub(super) fn create(
        path: &Path,
        number: u64,
        created: i64,
        synchronous: Synchronous,
        fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<(Self, Connection)> {
        let mut connection = file::open_writer(path, synchronous)?;
        let figures = Figures::new(created);
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        figures.save(&transaction)?;
        fill(&transaction)?;
        // The layout last: a file without one was never finished and holds nothing.
        transaction.pragma_update(None, "user_version", LAYOUT)?;
        transaction.commit()?;
        Ok((Self::new(number, path, figures), connection))
    }

    /// Opens a file that exists; nothing if it was never finished.
    pub(super) fn open(path: &Path, number: u64, sealed: bool) -> Told<Option<(Self, Connection)>> {
        let opened = match sealed {
            true => file::open_reader(path),
            false => file::open_writer(path, Synchronous::Full),
        };
        let connection = opened.map_err(read_error(path))?;
        let layout = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        let layout: i64 = layout.map_err(read_error(path))?;
        match layout {
            0 => return Ok(None),
            LAYOUT => {}
            LAYOUT_WITHOUT_EDITS if sealed => {}
            LAYOUT_WITHOUT_EDITS => upgrade(path, &connection)?,
            newer => {
                return Err(file::open_error(
                    path,
                    format!("its layout {newer} is newer than this program: start the newer one"),
                ));
            }
        }
        let figures = verify(path, &connection)?;
        parts::verify_numbers(path, &connection)?;
        let part = Self::new(number, path, figures);
        part.known.lock().sealed = sealed;
        Ok(Some((part, connection)))
    }

    pub(super) fn known(&self) -> Known {
        self.known.lock().clone()
    }

    pub(super) fn figures(&self) -> Figures {
        self.known.lock().figures
    }

    pub(super) fn set_figures(&self, figures: Figures) {
        self.known.lock().figures = figures;
    }

    pub(super) fn set_sealed(&self) {
        self.known.lock().sealed = true;
    }

    pub(super) fn set_damage(&self, reason: String) {
        self.known.lock().damage = Some(reason);
    }

    /// A connection for a reader.
    pub(super) fn borrow(&self) -> Told<Connection> {
        let idle = self.idle.lock().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => file::open_reader(&self.path).map_err(read_error(&self.path)),
        }
    }

    /// Gives it back.
    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    /// Closes what idles, so that the file can be closed or deleted.
    pub(super) fn close_idle(&self) {
        self.idle.lock().clear();
    }
}

/// An older program must not open a part with edits in it, so its number goes up with the table.
fn upgrade(path: &Path, connection: &Connection) -> Told<()> {
    let told = connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; CREATE TABLE superseded (series INTEGER PRIMARY KEY, data BLOB NOT NULL);
         PRAGMA user_version = {LAYOUT}; COMMIT;"
    ));
    told.map_err(file::write_error(path))?;
    tracing::info!(file = %path.display(), to = LAYOUT, "the layout of a file was brought up to date");
    Ok(())
}

/// Compares what a file says of itself with what is in it. Costs a walk over the directories and
/// the index of the blocks, not over the samples.
pub(super) fn verify(path: &Path, connection: &Connection) -> Told<Figures> {
    let figures = Figures::load(connection).map_err(read_error(path))?;
    let figures = figures.ok_or_else(|| damaged(path, "its figures have a wrong checksum"))?;
    let (settled, block_sum) = blocks::sums(connection).map_err(read_error(path))?;
    if (settled, block_sum) != (figures.settled, figures.block_sum) {
        return Err(damaged(path, "blocks are missing or altered"));
    }
    let (mut staged, mut batch_sum) = (0, 0_u64);
    each_directory(path, connection, |id, segments, sum| {
        staged += segments.iter().map(|found| found.rows as u64).sum::<u64>();
        batch_sum = batch_sum.wrapping_add(batch_mark(id, sum));
        Ok(())
    })?;
    if (staged, batch_sum) != (figures.staged, figures.batch_sum) {
        return Err(damaged(path, "staged rows are missing or altered"));
    }
    Ok(figures)
}

/// What a staged blob adds to the sum of its part.
pub(super) fn batch_mark(id: i64, directory_checksum: u32) -> u64 {
    mix(&[id.cast_unsigned(), u64::from(directory_checksum)])
}

/// Reads the directory of every staged blob, in their order.
pub(super) fn each_directory(
    path: &Path,
    connection: &Connection,
    mut each: impl FnMut(i64, &[staged::Segment], u32) -> Told<()>,
) -> Told<()> {
    let read = read_error(path);
    let mut statement = connection
        .prepare_cached("SELECT id, directory FROM staging ORDER BY id")
        .map_err(&read)?;
    let mut found = statement.query([]).map_err(&read)?;
    while let Some(row) = found.next().map_err(&read)? {
        let id: i64 = row.get(0).map_err(&read)?;
        let bytes = row.get_ref(1).map_err(&read)?;
        let bytes = bytes
            .as_blob()
            .map_err(|_| damaged(path, "a directory of staged rows is no blob"))?;
        let segments = staged::read_directory(bytes)
            .map_err(|_| damaged(path, "a directory of staged rows is damaged"))?;
        each(id, &segments, crc32fast::hash(bytes))?;
    }
    Ok(())
}
