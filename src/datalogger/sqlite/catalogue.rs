//! The catalogue of a store: its log id and the numbers of its series. Each part repeats the
//! series that it holds, so that a lost catalogue can be made again from them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use mainstem_model::{Name, NodeId};
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::config::Synchronous;
use super::file::{self, Told, damaged, read_error, write_error};
use super::layout;
use crate::{LogId, SeriesId, SeriesKey, SinkError};

/// Series of one store.
pub(super) const SERIES_MAX: usize = 1 << 20;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, origin BLOB NOT NULL, log BLOB NOT NULL, logger TEXT NOT NULL,
    checksum INTEGER NOT NULL);
";

/// The catalogue, open.
pub(super) struct Catalogue {
    path: PathBuf,
    connection: Mutex<Connection>,
    known: RwLock<Known>,
    log: RwLock<LogId>,
}

#[derive(Default)]
struct Known {
    ids: HashMap<SeriesKey, u32>,
    keys: Vec<Option<SeriesKey>>,
}

impl Known {
    fn insert(&mut self, id: u32, key: SeriesKey) {
        let place = id as usize;
        if self.keys.len() <= place {
            self.keys.resize(place + 1, None);
        }
        self.keys[place] = Some(key.clone());
        self.ids.insert(key, id);
    }
}

impl Catalogue {
    /// Opens or makes the catalogue; `mark` says where the store lies now.
    pub(super) fn open(path: &Path, mark: &str) -> Told<Self> {
        let connection = file::open_writer(path, Synchronous::Full).map_err(read_error(path))?;
        connection.execute_batch(SCHEMA).map_err(read_error(path))?;
        layout::stamp(&connection).map_err(read_error(path))?;
        let known = read_series(path, &connection)?;
        let catalogue = Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            known: RwLock::default(),
            log: RwLock::new(LogId(Uuid::nil())),
        };
        known
            .into_iter()
            .for_each(|(id, key)| catalogue.known.write().insert(id.0, key));
        catalogue.find_log(mark)?;
        Ok(catalogue)
    }

    /// The log id lasts as long as the store lies where it lay.
    fn find_log(&self, mark: &str) -> Told<()> {
        let connection = self.connection.lock();
        let read = |name: &str| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
            let found = statement.query_row([name], |row| row.get::<_, String>(0));
            found.optional()
        };
        let log = read("log").map_err(read_error(&self.path))?;
        let place = read("place").map_err(read_error(&self.path))?;
        let log = log.and_then(|text| Uuid::parse_str(&text).ok());
        if let Some(log) = log
            && place.as_deref() == Some(mark)
        {
            *self.log.write() = LogId(log);
            return Ok(());
        }
        drop(connection);
        self.renew_log(mark)
    }

    /// Takes a new log id: row numbers of the old one may be given out a second time otherwise.
    pub(super) fn renew_log(&self, mark: &str) -> Told<()> {
        let log = LogId(Uuid::new_v4());
        let mut connection = self.connection.lock();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            for (name, value) in [("log", log.to_string().as_str()), ("place", mark)] {
                transaction.execute(
                    "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
                    params![name, value],
                )?;
            }
            transaction.commit()
        };
        write().map_err(write_error(&self.path))?;
        *self.log.write() = log;
        Ok(())
    }

    /// The number of the newest part that was finished: if it is missing, it was lost.
    pub(super) fn newest_part(&self) -> Told<u64> {
        let connection = self.connection.lock();
        let found = connection.query_row("SELECT value FROM fact WHERE name = 'part'", [], |row| {
            row.get::<_, String>(0)
        });
        let found = found.optional().map_err(read_error(&self.path))?;
        Ok(found.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    /// Remembers a finished part, before the first row goes into it.
    pub(super) fn set_newest_part(&self, number: u64) -> Told<()> {
        let connection = self.connection.lock();
        let written = connection.execute(
            "INSERT OR REPLACE INTO fact (name, value) VALUES ('part', ?1)",
            [number.to_string()],
        );
        written.map_err(write_error(&self.path)).map(drop)
    }

    pub(super) fn log(&self) -> LogId {
        *self.log.read()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.read().ids.is_empty()
    }

    /// Takes over series that a part holds and the catalogue does not.
    pub(super) fn adopt(&self, series: Vec<(SeriesId, SeriesKey)>) -> Told<()> {
        let unknown = |(id, _): &(SeriesId, SeriesKey)| self.key(*id).is_none();
        let mut series: Vec<_> = series.into_iter().filter(unknown).collect();
        // Many parts hold the same series.
        series.sort();
        series.dedup();
        if series.is_empty() {
            return Ok(());
        }
        self.write(&mut self.connection.lock(), &series)
    }

    /// The numbers of series; new ones are on disk when this returns.
    pub(super) fn register(&self, keys: &[SeriesKey]) -> Told<Vec<SeriesId>> {
        let find = |known: &Known| {
            let found = keys.iter().map(|key| known.ids.get(key).copied());
            found.map(|id| id.map(SeriesId)).collect::<Option<Vec<_>>>()
        };
        if let Some(found) = find(&self.known.read()) {
            return Ok(found);
        }
        self.write_new(keys)?;
        let found = find(&self.known.read());
        found.ok_or_else(|| damaged(&self.path, "a series was not kept"))
    }

    fn write_new(&self, keys: &[SeriesKey]) -> Told<()> {
        // Held from choosing the numbers to writing them: nobody else chooses the same.
        let mut connection = self.connection.lock();
        let known = self.known.read();
        let mut fresh: Vec<(SeriesId, SeriesKey)> = Vec::new();
        let mut next = known.keys.len();
        let mut sorted: Vec<_> = keys.iter().collect();
        sorted.sort();
        sorted.dedup();
        for key in sorted {
            if !known.ids.contains_key(key) {
                let id = u32::try_from(next).map_err(|_| SinkError::Full)?;
                fresh.push((SeriesId(id), key.clone()));
                next += 1;
            }
        }
        drop(known);
        if next > SERIES_MAX {
            return Err(SinkError::Failed {
                path: self.path.clone(),
                reason: format!("a store holds at most {SERIES_MAX} series"),
            });
        }
        self.write(&mut connection, &fresh)
    }

    fn write(&self, connection: &mut Connection, series: &[(SeriesId, SeriesKey)]) -> Told<()> {
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            for (id, key) in series {
                insert_series(&transaction, *id, key)?;
            }
            transaction.commit()
        };
        write().map_err(write_error(&self.path))?;
        let mut known = self.known.write();
        for (id, key) in series {
            known.insert(id.0, key.clone());
        }
        Ok(())
    }

    pub(super) fn key(&self, series: SeriesId) -> Option<SeriesKey> {
        let known = self.known.read();
        known.keys.get(series.0 as usize).cloned().flatten()
    }

    /// The first of some series that is not known.
    pub(super) fn unknown(&self, mut series: impl Iterator<Item = SeriesId>) -> Option<SeriesId> {
        let known = self.known.read();
        series.find(|id| !matches!(known.keys.get(id.0 as usize), Some(Some(_))))
    }

    pub(super) fn list(&self) -> Vec<(SeriesId, SeriesKey)> {
        let known = self.known.read();
        let found = (0_u32..).zip(&known.keys);
        let found = found.filter_map(|(id, key)| Some((SeriesId(id), key.clone()?)));
        found.collect()
    }

    pub(super) fn len(&self) -> usize {
        self.known.read().ids.len()
    }
}

/// Writes one series into the table that catalogue and parts share.
pub(super) fn insert_series(
    connection: &Connection,
    id: SeriesId,
    key: &SeriesKey,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO series (id, origin, log, logger, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute(params![
        id.0,
        key.origin.0.as_bytes(),
        key.log.0.as_bytes(),
        key.logger.as_str(),
        checksum(id, key),
    ])?;
    Ok(())
}

/// Reads that table.
pub(super) fn read_series(
    path: &Path,
    connection: &Connection,
) -> Told<Vec<(SeriesId, SeriesKey)>> {
    let read = read_error(path);
    let mut statement = connection
        .prepare_cached("SELECT id, origin, log, logger, checksum FROM series ORDER BY id")
        .map_err(&read)?;
    let mut found = statement.query([]).map_err(&read)?;
    let mut series = Vec::new();
    while let Some(row) = found.next().map_err(&read)? {
        let broken = || damaged(path, "its table of series is damaged");
        let id = SeriesId(row.get(0).map_err(&read)?);
        let uuid = |column: usize| {
            let bytes: Vec<u8> = row.get(column).map_err(&read)?;
            Uuid::from_slice(&bytes).map_err(|_| broken())
        };
        let logger: String = row.get(3).map_err(&read)?;
        let key = SeriesKey {
            origin: NodeId(uuid(1)?),
            log: LogId(uuid(2)?),
            logger: Name::new(&logger).map_err(|_| broken())?,
        };
        if id.0 as usize >= SERIES_MAX || row.get::<_, u32>(4).map_err(&read)? != checksum(id, &key)
        {
            return Err(broken());
        }
        series.push((id, key));
    }
    Ok(series)
}

/// The numbers of the series in that table.
pub(super) fn ids(connection: &Connection) -> rusqlite::Result<HashSet<SeriesId>> {
    let mut statement = connection.prepare("SELECT id FROM series")?;
    let found = statement.query_map([], |row| Ok(SeriesId(row.get(0)?)))?;
    found.collect()
}

fn checksum(id: SeriesId, key: &SeriesKey) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&id.0.to_le_bytes());
    hasher.update(key.origin.0.as_bytes());
    hasher.update(key.log.0.as_bytes());
    hasher.update(key.logger.as_str().as_bytes());
    hasher.finalize()
}
