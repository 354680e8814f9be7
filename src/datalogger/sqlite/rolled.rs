//! Roll-ups: one file for hours, days and months, which stay, and one for each thirty days of
//! minutes, so that retention deletes files here too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};

use super::config::{SqliteConfig, Synchronous};
use super::file::{self, Told, damaged, open_error, read_error, write_error};
use super::layout;
use crate::codec::slot;
use crate::{Fault, Order, Retained, Rollup, RollupBatch, RollupQuery, SeriesId, SinkError, Step};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS rollup (
    series INTEGER NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (series, step, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS covered (series INTEGER PRIMARY KEY, row INTEGER NOT NULL);
";
/// The width of a file of minutes, in microseconds.
const MINUTES_SPAN: i64 = 30 * 86_400_000_000;
/// Roll-ups read at once.
const PAGE_ROLLUPS: u64 = 4096;
/// The number of the file that has no minutes.
const WIDE: i64 = i64::MIN;
/// Connections kept open for writing: late rows reach back.
const OPEN_MAX: usize = 4;

/// The files of roll-ups.
pub(super) struct Rolled {
    folder: PathBuf,
    synchronous: Synchronous,
    open: Mutex<BTreeMap<i64, Connection>>,
}

impl Rolled {
    /// Opens the files. Damaged ones are set aside and told.
    pub(super) fn open(config: &SqliteConfig, faults: &mut Vec<Fault>) -> Told<Self> {
        let rolled = Self {
            folder: config.folder.clone(),
            synchronous: config.synchronous,
            open: Mutex::default(),
        };
        let mut files = rolled.minute_files()?;
        files.push(WIDE);
        for number in files {
            let path = rolled.path_of(number);
            let told = rolled.connect(number);
            match told {
                Ok(_) => {}
                Err(SinkError::Damaged { reason, .. }) => {
                    let file = file::set_aside(&path).map_err(|error| open_error(&path, error))?;
                    faults.push(Fault { file, reason });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(rolled)
    }

    fn path_of(&self, number: i64) -> PathBuf {
        match number {
            WIDE => self.folder.join("rollups.db"),
            number => self.folder.join(format!("minutes-{number}.db")),
        }
    }

    fn minute_files(&self) -> Told<Vec<i64>> {
        let list = || -> std::io::Result<Vec<i64>> {
            let mut numbers = Vec::new();
            for entry in fs::read_dir(&self.folder)? {
                let name = entry?.file_name();
                let digits = name.to_str().and_then(|name| name.strip_prefix("minutes-"));
                let digits = digits.and_then(|name| name.strip_suffix(".db"));
                numbers.extend(digits.and_then(|digits| digits.parse::<i64>().ok()));
            }
            numbers.sort_unstable();
            Ok(numbers)
        };
        list().map_err(|error| open_error(&self.folder, error))
    }

    fn connect(&self, number: i64) -> Told<Connection> {
        let path = self.path_of(number);
        let connect = || {
            let connection = file::open_writer(&path, self.synchronous)?;
            connection.execute_batch(SCHEMA)?;
            layout::stamp(&connection)?;
            Ok(connection)
        };
        connect().map_err(|error| match file::is_damage(&error) {
            true => read_error(&path)(error),
            false => write_error(&path)(error),
        })
    }

    /// Stores a batch: files of minutes first, and what is covered last, so that a crash between
    /// makes the same roll-ups come again.
    pub(super) fn put(&self, batch: &RollupBatch) -> Told<()> {
        let mut by_file: BTreeMap<i64, Vec<&Rollup>> = BTreeMap::new();
        for rollup in &batch.rollups {
            if !slot::is_valid(rollup) {
                return Err(SinkError::Invalid {
                    series: rollup.series.0,
                    reason: "it has too many rates, or one with too long a name",
                });
            }
            by_file.entry(number_of(rollup)).or_default().push(rollup);
        }
        let wide = by_file.remove(&WIDE).unwrap_or_default();
        for (number, rollups) in by_file {
            self.write(number, &rollups, &[])?;
        }
        self.write(WIDE, &wide, &batch.covered)
    }

    fn write(&self, number: i64, rollups: &[&Rollup], covered: &[(SeriesId, u64)]) -> Told<()> {
        let mut open = self.open.lock();
        let mut connection = match open.remove(&number) {
            Some(connection) => connection,
            None => self.connect(number)?,
        };
        // After an error the connection is dropped: the next call opens the file anew.
        let told = write_all(&mut connection, rollups, covered);
        told.map_err(write_error(&self.path_of(number)))?;
        if open.len() >= OPEN_MAX {
            open.pop_last();
        }
        open.insert(number, connection);
        Ok(())
    }

    pub(super) fn covered(&self, series: SeriesId) -> Told<u64> {
        let path = self.path_of(WIDE);
        let read = read_error(&path);
        let connection = file::open_reader(&path).map_err(&read)?;
        let found = connection.query_row(
            "SELECT row FROM covered WHERE series = ?1",
            [series.0],
            |row| row.get::<_, i64>(0),
        );
        let found = found.optional().map_err(&read)?;
        Ok(found.unwrap_or_default().cast_unsigned())
    }

    /// The next page of an answer.
    pub(super) fn read(&self, query: &RollupQuery) -> Told<Vec<Rollup>> {
        let mut files = match query.step {
            Step::Minute => self.minute_files()?,
            _ => vec![WIDE],
        };
        files.retain(|number| *number == WIDE || touches(*number, query));
        if query.order == Order::Descending {
            files.reverse();
        }
        let mut rollups = Vec::new();
        for number in files {
            let left = query.limit.min(PAGE_ROLLUPS) - rollups.len() as u64;
            if left > 0 {
                read_file(&self.path_of(number), query, left, &mut rollups)?;
            }
        }
        Ok(rollups)
    }

    /// Deletes files of minutes that end before a moment.
    pub(super) fn retain(&self, before: i64) -> Told<Retained> {
        let mut retained = Retained::default();
        for number in self.minute_files()? {
            if number.saturating_add(1).saturating_mul(MINUTES_SPAN) < before {
                self.open.lock().remove(&number);
                let path = self.path_of(number);
                retained.bytes += file::bytes_of(&path);
                retained.files += 1;
                file::delete(&path).map_err(|error| open_error(&path, error))?;
            }
        }
        Ok(retained)
    }

    /// Every file there is.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut numbers = self.minute_files().unwrap_or_default();
        numbers.push(WIDE);
        let paths = numbers.into_iter().map(|number| self.path_of(number));
        paths.filter(|path| path.exists()).collect()
    }
}

fn write_all(
    connection: &mut Connection,
    rollups: &[&Rollup],
    covered: &[(SeriesId, u64)],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for rollup in rollups {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO rollup (series, step, start, data)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                rollup.series.0,
                rollup.step as u8,
                rollup.start,
                slot::encode(rollup)
            ])?;
    }
    for (series, row) in covered {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO covered (series, row) VALUES (?1, ?2)")?
            .execute(params![series.0, row.cast_signed()])?;
    }
    transaction.commit()
}

fn number_of(rollup: &Rollup) -> i64 {
    match rollup.step {
        Step::Minute => rollup.start.div_euclid(MINUTES_SPAN),
        _ => WIDE,
    }
}

fn touches(number: i64, query: &RollupQuery) -> bool {
    let from = query.from.div_euclid(MINUTES_SPAN);
    let to = query.to.div_euclid(MINUTES_SPAN);
    number >= from && number <= to
}

fn read_file(path: &Path, query: &RollupQuery, limit: u64, rollups: &mut Vec<Rollup>) -> Told<()> {
    let read = read_error(path);
    let connection = file::open_reader(path).map_err(&read)?;
    let direction = match query.order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    let mut statement = connection
        .prepare(&format!(
            "SELECT start, data FROM rollup WHERE series = ?1 AND step = ?2
             AND start >= ?3 AND start < ?4 ORDER BY start {direction} LIMIT ?5"
        ))
        .map_err(&read)?;
    let asked = params![
        query.series.0,
        query.step as u8,
        query.from,
        query.to,
        limit.cast_signed()
    ];
    let mut found = statement.query(asked).map_err(&read)?;
    while let Some(row) = found.next().map_err(&read)? {
        let start: i64 = row.get(0).map_err(&read)?;
        let data = row.get_ref(1).map_err(&read)?.as_blob().unwrap_or_default();
        let rollup = slot::decode(query.series, query.step, start, data);
        rollups.push(rollup.map_err(|_| damaged(path, "a roll-up has a wrong checksum"))?);
    }
    Ok(())
}

/// An answer being read, page by page.
pub(super) struct ReadingRollups {
    shared: std::sync::Arc<super::shared::Shared>,
    query: RollupQuery,
    page: std::vec::IntoIter<Rollup>,
    more: bool,
}

impl ReadingRollups {
    pub(super) fn new(shared: &std::sync::Arc<super::shared::Shared>, query: &RollupQuery) -> Self {
        Self {
            shared: std::sync::Arc::clone(shared),
            query: *query,
            page: Vec::new().into_iter(),
            more: query.limit > 0,
        }
    }

    fn turn(&mut self) -> Told<()> {
        let told = self.shared.rolled.read(&self.query);
        self.more = false;
        let page = told?;
        self.query.limit -= page.len() as u64;
        if let Some(last) = page.last() {
            // A whole page means that there may be another behind it.
            self.more = page.len() as u64 == PAGE_ROLLUPS && self.query.limit > 0;
            match self.query.order {
                Order::Ascending => self.query.from = last.start.saturating_add(1),
                Order::Descending => self.query.to = last.start,
            }
        }
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for ReadingRollups {
    type Item = Result<Rollup, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty()
            && self.more
            && let Err(error) = self.turn()
        {
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}
