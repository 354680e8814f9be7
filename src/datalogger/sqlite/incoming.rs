//! Rows on their way into the store: looked at once, and given back where they are not valid.

use std::sync::atomic::Ordering;

use super::desk::SqliteSink;
use super::edits::Edited;
use super::queue::{Append, Declined};
use super::shared::Shared;
use crate::codec::TEXT_BYTES_MAX;
use crate::codec::block::BLOCK_BYTES_MAX;
use crate::edit::NOTE_BYTES_MAX;
use crate::{Durable, Logged, Refused, Row, RowQuery, SeriesId, SinkError};

/// Rows that may be staged: beyond them `append` answers `Full` until the settler has caught up.
const STAGED_ROWS_MAX: u64 = 4 << 20;
const _: () = assert!(TEXT_BYTES_MAX < BLOCK_BYTES_MAX / 2);
const _: () = assert!(NOTE_BYTES_MAX + 32 < TEXT_BYTES_MAX);

/// What is handed over.
#[derive(Default)]
pub(super) struct Incoming {
    rows: Vec<Row>,
    edits: Vec<Edited>,
    forgone: Option<(SeriesId, u64, u64)>,
    /// Rows whose numbers count as stored, but which are not held.
    again: bool,
}

impl Incoming {
    /// Rows, or what is wrong with them.
    pub(super) fn rows(shared: &Shared, rows: Vec<Row>) -> Result<Self, (SinkError, Vec<Row>)> {
        match look(shared, &rows) {
            Ok(edits) => Ok(Self {
                rows,
                edits,
                ..Self::default()
            }),
            Err(error) => Err((error, rows)),
        }
    }

    /// Numbers that will never come.
    pub(super) fn forgone(series: SeriesId, first: u64, last: u64) -> Self {
        Self {
            forgone: Some((series, first, last)),
            ..Self::default()
        }
    }
}

/// What is wrong with rows, if anything is, and the edits among them.
fn look(shared: &Shared, rows: &[Row]) -> Result<Vec<Edited>, SinkError> {
    if let Some(series) = shared.catalogue.unknown(rows.iter().map(|row| row.series)) {
        return Err(SinkError::UnknownSeries(series.0));
    }
    let mut edits = Vec::new();
    let fault = rows.iter().find_map(|row| {
        let reason = match &row.value {
            _ if row.row == 0 || row.row == u64::MAX => "row numbers begin at 1",
            Logged::Text(text) if text.len() > TEXT_BYTES_MAX => "its text is longer than 64 KiB",
            Logged::Edit(edit) if edit.note.len() > NOTE_BYTES_MAX => {
                "its note is longer than 1 KiB"
            }
            Logged::Edit(edit) if edit.to <= row.time => "its edit ends before it begins",
            Logged::Edit(edit) => {
                edits.push(Edited {
                    series: row.series,
                    from: row.time,
                    to: edit.to,
                    row: row.row,
                });
                return None;
            }
            _ => return None,
        };
        let series = row.series.0;
        Some(SinkError::Invalid { series, reason })
    });
    fault.map_or(Ok(edits), Err)
}

impl SqliteSink {
    pub(super) fn push(&self, incoming: Incoming) -> Durable {
        let Incoming {
            rows,
            edits,
            forgone,
            again,
        } = incoming;
        let shared = self.shared();
        if let Some(error) = shared.trouble_error() {
            return self.refused(error, rows);
        }
        let staged = shared.active().map_or(0, |part| part.figures().staged);
        if staged > STAGED_ROWS_MAX {
            return self.refused(SinkError::Full, rows);
        }
        let (fate, durable) = Durable::new();
        let weight = Append::weight_of(&rows).max(1);
        let append = Append {
            rows,
            edits,
            forgone,
            again,
            fate,
            weight,
        };
        match shared.queue.push(append) {
            Ok(()) => durable,
            Err((Declined::Full, append)) => self.refused(SinkError::Full, append.rows),
            Err((Declined::Closed, append)) => self.refused(SinkError::Stopped, append.rows),
        }
    }

    pub(super) fn refused(&self, error: SinkError, rows: Vec<Row>) -> Durable {
        let refused = &self.shared().counters.refused;
        refused.fetch_add(rows.len() as u64, Ordering::Relaxed);
        Durable::ready(Err(Refused { error, rows }))
    }

    /// Stores what is not held of some rows, whatever the numbers say.
    pub(super) fn restore_rows(&self, mut rows: Vec<Row>) -> Result<u64, SinkError> {
        // One after the other: two callers must not both find the same row missing.
        let _alone = self.shared().restoring.lock();
        rows.sort_by_key(|row| (row.series, row.row));
        rows.dedup_by_key(|row| (row.series, row.row));
        let mut missing = Vec::new();
        for same in rows.chunk_by(|left, right| left.series == right.series) {
            let (first, last) = (same[0].row, same[same.len() - 1].row);
            let query = RowQuery {
                series: same[0].series,
                after: first.saturating_sub(1),
                limit: u64::MAX,
            };
            let mut held = Vec::new();
            for row in super::reading::Reading::rows(self.shared(), &query) {
                let row = row?;
                if row.row > last {
                    break;
                }
                held.push(row.row);
            }
            let is_missing = |row: &&Row| held.binary_search(&row.row).is_err();
            missing.extend(same.iter().filter(is_missing).cloned());
        }
        if missing.is_empty() {
            return Ok(0);
        }
        let count = missing.len() as u64;
        let mut incoming = Incoming::rows(self.shared(), missing).map_err(|(error, _)| error)?;
        incoming.again = true;
        let told = self.push(incoming).wait();
        told.map_err(|refused| refused.error).map(|()| count)
    }
}
