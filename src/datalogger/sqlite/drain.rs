//! A store as a spool: what was staged is handed on in its order, and whole parts go once all of
//! them was handed on. Nothing is settled in such a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::desk::SqliteSink;
use super::edits::Edited;
use super::file::{Told, read_error};
use super::part::Part;
use super::settle::read_batch;
use crate::codec::staged;
use crate::numbers::Numbers;
use crate::superseded::Superseded;
use crate::{Fault, Logged, Retained, Row, SeriesId, SeriesKey, SinkError};

/// A place in a spool: a part, and a commit within it. Places only grow.
pub(crate) type Place = (u64, i64);

/// What was read from a spool.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// Rows by series, each in the order in which they were appended.
    pub(crate) rows: BTreeMap<SeriesId, Vec<Row>>,
    /// The numbers that these rows have, and those that were declared as never coming.
    pub(crate) numbers: BTreeMap<SeriesId, Numbers>,
    pub(crate) count: usize,
    /// Up to where this is everything.
    pub(crate) upto: Place,
}

impl SqliteSink {
    /// The place of what was acknowledged last.
    pub(crate) fn head(&self) -> Place {
        self.shared().active().map_or((0, 0), |part| {
            (part.number, part.figures().next_batch.saturating_sub(1))
        })
    }

    /// Whole commits behind a place, about so many rows, at least one commit if there is one.
    pub(crate) fn drain(&self, after: Place, rows_max: usize) -> Told<Drained> {
        let parts = self.shared().part_list();
        let mut drained = Drained {
            upto: after,
            ..Drained::default()
        };
        for part in parts.iter().filter(|part| part.number >= after.0) {
            let from = match part.number == drained.upto.0 {
                true => drained.upto.1,
                false => 0,
            };
            drained.upto = (part.number, from);
            if !self.drain_part(part, rows_max, &mut drained)? {
                break;
            }
        }
        Ok(drained)
    }

    /// Reads on in one part. Returns whether there is room for another one.
    fn drain_part(&self, part: &Arc<Part>, rows_max: usize, drained: &mut Drained) -> Told<bool> {
        let connection = part.borrow()?;
        let read = read_error(&part.path);
        let mut is_done = true;
        {
            let mut statement = connection
                .prepare_cached("SELECT id, directory FROM staging WHERE id > ?1 ORDER BY id")
                .map_err(&read)?;
            let mut found = statement.query([drained.upto.1]).map_err(&read)?;
            while let Some(row) = found.next().map_err(&read)? {
                if drained.count >= rows_max {
                    is_done = false;
                    break;
                }
                let id: i64 = row.get(0).map_err(&read)?;
                let directory = row.get_ref(1).map_err(&read)?;
                let directory = directory.as_blob().unwrap_or_default();
                match self.take(part, &connection, id, directory, drained) {
                    // What is damaged is named and passed: it must not hold up the rest for ever.
                    Err(SinkError::Damaged { reason, path }) => {
                        self.shared().report(Fault { file: path, reason });
                    }
                    told => told?,
                }
                drained.upto.1 = id;
            }
        }
        part.give_back(connection);
        Ok(is_done)
    }

    fn take(
        &self,
        part: &Part,
        connection: &rusqlite::Connection,
        id: i64,
        directory: &[u8],
        drained: &mut Drained,
    ) -> Told<()> {
        let segments = staged::read_directory(directory).map_err(|_| {
            super::file::damaged(&part.path, "a directory of staged rows is damaged")
        })?;
        read_batch(part, connection, id, &segments, &mut drained.rows)?;
        for segment in &segments {
            drained.count += segment.rows;
            let numbers = drained.numbers.entry(segment.series).or_default();
            numbers.absorb(&segment.numbers);
        }
        Ok(())
    }

    /// Deletes the parts that lie wholly before a place.
    pub(crate) fn drop_before(&self, place: Place) -> Told<Retained> {
        let mut retained = Retained::default();
        for part in self.shared().part_list() {
            if part.number < place.0 {
                self.shared().delete(&part, &mut retained)?;
            }
        }
        Ok(retained)
    }

    /// Rows behind a place, and some before it that lie in the same file.
    pub(crate) fn rows_behind(&self, place: Place) -> u64 {
        if self.head() <= place {
            return 0;
        }
        let parts = self.shared().part_list().into_iter();
        let behind = parts.filter(|part| part.number >= place.0);
        behind.map(|part| part.figures().staged).sum()
    }

    /// Where the store lies.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.shared().config.folder
    }

    /// Bytes that the store takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared().bytes()
    }

    /// What edits hide of a series, as of everything that is acknowledged.
    pub(crate) fn hidden(&self, series: SeriesId) -> Option<Arc<Superseded>> {
        let _gate = self.shared().edits.reading();
        self.shared().edits.of(series)
    }

    /// Takes over edits that are stored elsewhere.
    pub(crate) fn learn_edits(&self, rows: &[Row]) -> Told<()> {
        let edited = rows.iter().filter_map(|row| {
            let known = self.hidden(row.series);
            let knows = |known: Arc<Superseded>| known.edits().binary_search(&row.row).is_ok();
            let Logged::Edit(edit) = &row.value else {
                return None;
            };
            (!known.is_some_and(knows)).then_some(Edited {
                series: row.series,
                from: row.time,
                to: edit.to,
                row: row.row,
            })
        });
        let edited: Vec<Edited> = edited.collect();
        if edited.is_empty() {
            return Ok(());
        }
        let changed = self.shared().edits.with(&edited.iter().collect::<Vec<_>>());
        let changed = changed.map_err(|series| SinkError::Scattered(series.0))?;
        let gate = self.shared().edits.writing();
        self.shared().edits.publish(changed);
        drop(gate);
        // A part has what is known when it is begun.
        self.rotate()
    }

    /// Whose a series is.
    pub(crate) fn key(&self, series: SeriesId) -> Option<SeriesKey> {
        self.shared().catalogue.key(series)
    }

    /// The numbers of all series that are acknowledged.
    pub(crate) fn numbers(&self, series: SeriesId) -> Numbers {
        let numbers = self.shared().numbers.read();
        numbers.get(&series).cloned().unwrap_or_default()
    }
}
