//! The gap records of a store, in a file of their own: damage of samples must not take with it what
//! is known of the damage.

use std::path::{Path, PathBuf};

use mainstem_model::NodeId;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::config::{SqliteConfig, Synchronous};
use super::file::{self, Told, damaged, open_error, read_error, write_error};
use super::layout;
use crate::{Fault, GAPS_MAX, Gap, GapCause, GapId, GapQuery, Healing, SeriesId, SinkError};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS gap (
    id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, low INTEGER, high INTEGER, cause TEXT NOT NULL, hop BLOB NOT NULL,
    state TEXT NOT NULL, since INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS gap_of ON gap (series, id);
";
const COLUMNS: &str = "id, series, first, last, low, high, cause, hop, state, since";

/// The file of the gap records.
pub(super) struct Ledger {
    path: PathBuf,
    synchronous: Synchronous,
    /// Absent after a failed write: the next one opens the file anew.
    open: Mutex<Option<Connection>>,
}

impl Ledger {
    /// Opens the file. A damaged one is set aside and told.
    pub(super) fn open(config: &SqliteConfig, faults: &mut Vec<Fault>) -> Told<Self> {
        let ledger = Self {
            path: config.folder.join("gaps.db"),
            synchronous: config.synchronous,
            open: Mutex::default(),
        };
        let path = &ledger.path;
        if let Err(error) = ledger.with(|connection| count(connection)) {
            let SinkError::Damaged { reason, .. } = error else {
                return Err(error);
            };
            let file = file::set_aside(path).map_err(|error| open_error(path, error))?;
            faults.push(Fault { file, reason });
        }
        Ok(ledger)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = file::open_writer(&self.path, self.synchronous)?;
        connection.execute_batch(SCHEMA)?;
        layout::stamp(&connection)?;
        Ok(connection)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Told<T> {
        let mut open = self.open.lock();
        let told = match open.take() {
            Some(connection) => Ok(connection),
            None => self.connect(),
        };
        let told = told.and_then(|mut connection| {
            let told = act(&mut connection)?;
            *open = Some(connection);
            Ok(told)
        });
        told.map_err(|error| match file::is_damage(&error) {
            true => read_error(&self.path)(error),
            false => write_error(&self.path)(error),
        })
    }

    pub(super) fn record(&self, gap: &Gap) -> Told<GapId> {
        let id = self.with(|connection| {
            let transaction = connection.transaction()?;
            let told = record(&transaction, gap)?;
            transaction.commit()?;
            Ok(told)
        })?;
        id.ok_or_else(|| SinkError::Failed {
            path: self.path.clone(),
            reason: format!("{GAPS_MAX} gaps are recorded and none of them is healed"),
        })
    }

    pub(super) fn list(&self, query: &GapQuery) -> Told<Vec<(GapId, Gap)>> {
        let found = self.with(|connection| read(connection, query))?;
        let found = found.into_iter();
        found.collect::<Option<_>>().ok_or_else(|| {
            let reason = "a gap record says something that does not exist";
            damaged(&self.path, reason)
        })
    }

    pub(super) fn heal(&self, id: GapId, state: Healing) -> Told<()> {
        self.with(|connection| {
            connection
                .prepare_cached("UPDATE gap SET state = ?2 WHERE id = ?1")?
                .execute(params![id.0.cast_signed(), state.as_str()])
                .map(drop)
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM gap", [], |row| row.get(0))
}

/// Records a gap, or widens the record that it continues; nothing if there is no room.
fn record(connection: &Connection, gap: &Gap) -> rusqlite::Result<Option<GapId>> {
    let hop = gap.hop.map_or(Uuid::nil(), |hop| hop.0);
    if let Some(id) = known(connection, gap, hop)? {
        connection
            .prepare_cached(
                "UPDATE gap SET first = min(first, ?2), last = max(last, ?3), low = min(low, ?4),
                 high = max(high, ?5), state = ?6 WHERE id = ?1",
            )?
            .execute(params![
                id,
                gap.from,
                gap.to,
                gap.rows.map(|rows| rows.0.cast_signed()),
                gap.rows.map(|rows| rows.1.cast_signed()),
                gap.state.as_str(),
            ])?;
        return Ok(Some(GapId(id.cast_unsigned())));
    }
    if count(connection)? >= GAPS_MAX as i64 {
        let freed = connection.execute(
            "DELETE FROM gap WHERE id = (SELECT min(id) FROM gap WHERE state = 'healed')",
            [],
        )?;
        if freed == 0 {
            return Ok(None);
        }
    }
    connection
        .prepare_cached(
            "INSERT INTO gap (series, first, last, low, high, cause, hop, state, since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            gap.series.0,
            gap.from,
            gap.to,
            gap.rows.map(|rows| rows.0.cast_signed()),
            gap.rows.map(|rows| rows.1.cast_signed()),
            gap.cause.as_str(),
            hop.as_bytes(),
            gap.state.as_str(),
            gap.since,
        ])?;
    Ok(Some(GapId(connection.last_insert_rowid().cast_unsigned())))
}

/// The record that a gap repeats or continues: its rows touch, or where none are known it has the
/// same times.
fn known(connection: &Connection, gap: &Gap, hop: Uuid) -> rusqlite::Result<Option<i64>> {
    let (low, high) = gap.rows.unwrap_or_default();
    let mut statement = connection.prepare_cached(
        "SELECT id FROM gap WHERE series = ?1 AND cause = ?2 AND hop = ?3 AND CASE WHEN ?4
             THEN low <= ?6 AND high >= ?5
             ELSE low IS NULL AND first = ?7 AND last = ?8 END
         ORDER BY id LIMIT 1",
    )?;
    statement
        .query_row(
            params![
                gap.series.0,
                gap.cause.as_str(),
                hop.as_bytes(),
                gap.rows.is_some(),
                low.saturating_sub(1).cast_signed(),
                high.saturating_add(1).cast_signed(),
                gap.from,
                gap.to,
            ],
            |row| row.get(0),
        )
        .optional()
}

fn read(connection: &Connection, query: &GapQuery) -> rusqlite::Result<Vec<Option<(GapId, Gap)>>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM gap WHERE id > ?1 AND (?2 IS NULL OR series = ?2)
         ORDER BY id LIMIT ?3"
    ))?;
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let asked = params![
        query.after.0.cast_signed(),
        query.series.map(|series| series.0),
        limit
    ];
    let found = statement.query_map(asked, |row| {
        let rows: (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
        let rows = rows.0.zip(rows.1);
        let hop = Uuid::from_slice(&row.get::<_, Vec<u8>>(7)?).ok();
        let cause = GapCause::parse(&row.get::<_, String>(6)?);
        let state = Healing::parse(&row.get::<_, String>(8)?);
        let id = GapId(row.get::<_, i64>(0)?.cast_unsigned());
        let (series, from, to) = (SeriesId(row.get(1)?), row.get(2)?, row.get(3)?);
        let since = row.get(9)?;
        let known = cause.zip(state).zip(hop);
        Ok(known.map(|((cause, state), hop)| {
            let gap = Gap {
                series,
                from,
                to,
                rows: rows.map(|(low, high)| (low.cast_unsigned(), high.cast_unsigned())),
                cause,
                hop: (!hop.is_nil()).then_some(NodeId(hop)),
                state,
                since,
            };
            (id, gap)
        }))
    })?;
    found.collect()
}
