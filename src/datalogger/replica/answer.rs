//! What is told to somebody who asks for rows by their numbers. Blocks: it reads the sink.

use std::collections::{HashMap, HashSet};

use mainstem_model::NodeId;
use mainstem_wire::{LogGone, LogLine, LogWant, LogWants, log_key};

use super::frame;
use super::json;
use super::plan::within;
use crate::codec::block::BLOCK_ROWS_MAX;
use crate::{GapCause, GapQuery, Logged, Row, RowQuery, SeriesId, Sink, SinkError};

/// Bytes of texts in one part of an answer.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Rows of one part in the form of JSON: a line has to stay short.
const LINE_ROWS_MAX: usize = 512;
/// Bytes of texts in a line; escaped they may be six times as many.
const LINE_TEXT_BYTES_MAX: usize = 64 << 10;

/// Why an answer ended early.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The store could not be read.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Whoever asked is gone.
    #[error("whoever asked is gone")]
    Gone,
}

/// A piece of an answer, in the form that was asked for.
pub type Part = Vec<u8>;

struct Teller<'a> {
    sink: &'a dyn Sink,
    own: NodeId,
    own_series: HashSet<SeriesId>,
    as_columns: bool,
    left: u64,
    send: &'a mut dyn FnMut(Part) -> bool,
}

/// Tells the rows that are wanted, as far as the bytes allow, and which of them are gone. Of
/// series that `may` does not admit, and of those that are others than meant, nothing is told.
pub fn answer(
    (sink, own): (&dyn Sink, NodeId),
    wants: &LogWants,
    as_columns: bool,
    may: &dyn Fn(SeriesId) -> bool,
    send: &mut dyn FnMut(Part) -> bool,
) -> Result<(), AnswerError> {
    let keys: HashMap<_, _> = sink.list().into_iter().collect();
    let mut teller = Teller {
        sink,
        own,
        own_series: keys
            .iter()
            .filter(|(_, key)| key.origin == own)
            .map(|(series, _)| *series)
            .collect(),
        as_columns,
        left: wants.bytes,
        send,
    };
    for want in &wants.want {
        if teller.left == 0 {
            break;
        }
        let meant = keys
            .get(&SeriesId(want.id))
            .is_some_and(|key| log_key(key.origin, key.log.0, key.logger.as_str()) == want.key);
        if meant && may(SeriesId(want.id)) && want.from > 0 && want.from <= want.to {
            teller.series(want)?;
        }
    }
    teller.line(&LogLine {
        end: true,
        ..LogLine::default()
    })
}

impl Teller<'_> {
    fn series(&mut self, want: &LogWant) -> Result<(), AnswerError> {
        let series = SeriesId(want.id);
        // Before the rows are read: what is in it was stored, and is either read or gone.
        let held = within(&self.sink.held(series)?, want.from, want.to);
        let query = RowQuery {
            series,
            after: want.from - 1,
            limit: want.to - want.from + 1,
        };
        let (rows_max, text_max) = match self.as_columns {
            true => (BLOCK_ROWS_MAX, TEXT_BYTES_MAX),
            false => (LINE_ROWS_MAX, LINE_TEXT_BYTES_MAX),
        };
        let (mut part, mut texts) = (Vec::with_capacity(rows_max), 0);
        let (mut next, mut before) = (want.from, None);
        for row in self.sink.rows(&query)? {
            let row = row?;
            if row.row > want.to {
                self.rows(want.id, &mut part)?;
                return self.gone(want.id, &held, (next, want.to), (before, Some(row.time)));
            }
            if row.row > next {
                let lost = (next, row.row - 1);
                self.gone(want.id, &held, lost, (before, Some(row.time)))?;
            }
            (next, before) = (row.row + 1, Some(row.time));
            texts += match &row.value {
                Logged::Text(text) => text.len(),
                _ => 0,
            };
            part.push(row);
            if part.len() >= rows_max || texts >= text_max {
                texts = 0;
                self.rows(want.id, &mut part)?;
                if self.left == 0 {
                    return Ok(());
                }
            }
        }
        self.rows(want.id, &mut part)?;
        self.gone(want.id, &held, (next, want.to), (before, None))
    }

    fn rows(&mut self, id: u32, rows: &mut Vec<Row>) -> Result<(), AnswerError> {
        if rows.is_empty() {
            return Ok(());
        }
        let told = match self.as_columns {
            true => {
                let mut part = Vec::new();
                frame::put_rows(&mut part, id, rows);
                self.send(part)
            }
            false => self.line(&LogLine {
                rows: vec![json::told(id, rows.iter())],
                ..LogLine::default()
            }),
        };
        rows.clear();
        told
    }

    /// Of rows that are not there, tells those that were stored once.
    fn gone(
        &mut self,
        id: u32,
        held: &[(u64, u64)],
        (first, last): (u64, u64),
        (after, before): (Option<i64>, Option<i64>),
    ) -> Result<(), AnswerError> {
        for (from, to) in within(held, first, last) {
            let (cause, hop) = self.why(SeriesId(id), (from, to))?;
            self.line(&LogLine {
                gone: vec![LogGone {
                    id,
                    from,
                    to,
                    cause: cause.as_str().to_owned(),
                    hop,
                    after,
                    before,
                }],
                ..LogLine::default()
            })?;
        }
        Ok(())
    }

    /// Why rows are not there: as it was recorded, or else by where they are missing.
    fn why(
        &self,
        series: SeriesId,
        (from, to): (u64, u64),
    ) -> Result<(GapCause, NodeId), SinkError> {
        for (_, gap) in self.sink.gaps(&GapQuery::of(series))? {
            if gap.rows.is_some_and(|rows| rows.0 <= to && rows.1 >= from) {
                return Ok((gap.cause, gap.hop.unwrap_or(self.own)));
            }
        }
        // Retention takes the oldest files. Rows that were recorded here lie in them in their order,
        // so that a hole between them is something else; those of other nodes came in any order.
        let is_own = self.own_series.contains(&series);
        let lowest = self.sink.extent(series)?.numbers;
        let is_old = !is_own || lowest.is_none_or(|(lowest, _)| to < lowest);
        let cause = if is_old {
            GapCause::Retention
        } else {
            GapCause::Damage
        };
        Ok((cause, self.own))
    }

    fn line(&mut self, line: &LogLine) -> Result<(), AnswerError> {
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        let part = match self.as_columns {
            true => {
                let mut part = Vec::new();
                frame::put_line(&mut part, &text);
                part
            }
            false => {
                text.push(b'\n');
                text
            }
        };
        self.send(part)
    }

    fn send(&mut self, part: Part) -> Result<(), AnswerError> {
        self.left = self.left.saturating_sub(part.len() as u64);
        match (self.send)(part) {
            true => Ok(()),
            false => Err(AnswerError::Gone),
        }
    }
}
