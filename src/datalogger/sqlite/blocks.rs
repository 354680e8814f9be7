//! Settled blocks in a part: writing them, finding them, reading them back checked.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::figures::mix;
use super::file::{Told, damaged, read_error};
use crate::codec::block;
use crate::{Row, SeriesId};

/// What the index says of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: i64,
    pub(super) series: SeriesId,
    /// The oldest and newest time in it.
    pub(super) times: (i64, i64),
    pub(super) rows: u64,
    /// The lowest and highest row number in it.
    pub(super) numbers: (u64, u64),
}

impl Head {
    /// What the block adds to the sum of its part.
    pub(super) fn mark(&self) -> u64 {
        mix(&self.words())
    }

    fn words(&self) -> [u64; 7] {
        [
            self.id.cast_unsigned(),
            u64::from(self.series.0),
            self.times.0.cast_unsigned(),
            self.times.1.cast_unsigned(),
            self.rows,
            self.numbers.0,
            self.numbers.1,
        ]
    }

    fn checksum(&self, data: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for word in self.words() {
            hasher.update(&word.to_le_bytes());
        }
        hasher.update(data);
        hasher.finalize()
    }

    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            series: SeriesId(row.get(1)?),
            times: (row.get(2)?, row.get(3)?),
            rows: row.get::<_, i64>(4)?.cast_unsigned(),
            numbers: (
                row.get::<_, i64>(5)?.cast_unsigned(),
                row.get::<_, i64>(6)?.cast_unsigned(),
            ),
        })
    }
}

/// A block that is about to be written.
pub(super) struct Encoded {
    /// Its head; the id is given when it is written.
    pub(super) head: Head,
    pub(super) data: Vec<u8>,
}

/// Encodes rows of one series, ordered by time and number, at most a block of them.
pub(super) fn encode(rows: &[Row]) -> Option<Encoded> {
    let (first, last) = (rows.first()?, rows.last()?);
    let low = rows.iter().map(|row| row.row).min()?;
    let high = rows.iter().map(|row| row.row).max()?;
    Some(Encoded {
        head: Head {
            id: 0,
            series: first.series,
            times: (first.time, last.time),
            rows: rows.len() as u64,
            numbers: (low, high),
        },
        data: block::encode(rows),
    })
}

pub(super) fn insert(connection: &Connection, head: &Head, data: &[u8]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO block (id, series, first, last, rows, low, high, checksum, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        head.id,
        head.series.0,
        head.times.0,
        head.times.1,
        head.rows.cast_signed(),
        head.numbers.0.cast_signed(),
        head.numbers.1.cast_signed(),
        head.checksum(data),
        data,
    ])?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM block WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// Rows and sum over all blocks, from the index alone.
pub(super) fn sums(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let mut statement = connection.prepare_cached(
        "SELECT id, series, first, last, rows, low, high FROM block INDEXED BY block_of",
    )?;
    let heads = statement.query_map([], Head::from_row)?;
    let (mut rows, mut sum) = (0, 0_u64);
    for head in heads {
        let head = head?;
        rows += head.rows;
        sum = sum.wrapping_add(head.mark());
    }
    Ok((rows, sum))
}

/// Every block, as the index lists them.
pub(super) fn each_head(
    connection: &Connection,
    mut each: impl FnMut(Head),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, series, first, last, rows, low, high FROM block INDEXED BY block_of",
    )?;
    for head in statement.query_map([], Head::from_row)? {
        each(head?);
    }
    Ok(())
}

/// The blocks of a series that touch a span of times, both ends included, oldest first.
pub(super) fn heads(
    connection: &Connection,
    series: SeriesId,
    times: (i64, i64),
) -> rusqlite::Result<Vec<Head>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, series, first, last, rows, low, high FROM block INDEXED BY block_of
         WHERE series = ?1 AND first <= ?3 AND last >= ?2 ORDER BY first",
    )?;
    let found = statement.query_map(params![series.0, times.0, times.1], Head::from_row)?;
    found.collect()
}

/// Reads a block's rows back; they are exactly what was written, or an error.
pub(super) fn read(path: &Path, connection: &Connection, head: &Head) -> Told<Vec<Row>> {
    let error = read_error(path);
    let mut statement = connection
        .prepare_cached("SELECT checksum, data FROM block WHERE id = ?1")
        .map_err(&error)?;
    let found = statement
        .query_row([head.id], |row| {
            let data = row.get_ref(1)?.as_blob()?;
            let right = row.get::<_, u32>(0)? == head.checksum(data);
            Ok(right.then(|| block::decode(head.series, data)))
        })
        .optional()
        .map_err(&error)?;
    match found {
        Some(Some(Ok(rows))) if rows.len() as u64 == head.rows => Ok(rows),
        Some(Some(_)) => Err(damaged(path, format!("block {} cannot be read", head.id))),
        Some(None) => Err(damaged(
            path,
            format!("block {} has a wrong checksum", head.id),
        )),
        None => Err(damaged(path, format!("block {} is missing", head.id))),
    }
}

/// Every series that has a block.
pub(super) fn series(connection: &Connection) -> rusqlite::Result<Vec<SeriesId>> {
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT series FROM block INDEXED BY block_of")?;
    let found = statement.query_map([], |row| Ok(SeriesId(row.get(0)?)))?;
    found.collect()
}
