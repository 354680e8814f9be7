//! What the other level is told. Blocks: it reads the sink.

use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};

use crate::replica::rows_told;
use crate::{Logged, Row, RowQuery, SampleQuery, SeriesId, Sink, SinkError};

/// Hours in one answer.
const HOURS_MAX: usize = 2000;
/// Rows in one answer.
const ROWS_MAX: usize = 1000;
/// Bytes of texts in one answer; one row is always told.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// What a neighbour asked of a series; nothing if it asked what nobody knows here.
pub fn answer(
    sink: &dyn Sink,
    series: SeriesId,
    ask: &LinkSums,
) -> Result<Option<LinkSumsDocument>, SinkError> {
    // Before anything is read: what is told to be let go was there.
    let mut told = LinkSumsDocument {
        watermark: sink.watermark(series)?,
        lowest: sink.extent(series)?.numbers.map(|numbers| numbers.0),
        ..LinkSumsDocument::default()
    };
    match ask.what.as_str() {
        "hours" => {
            for hour in sink.hours(series, ask.from, ask.to)? {
                let hour = hour?;
                if told.hours.len() == HOURS_MAX {
                    told.more = true;
                    break;
                }
                let hash = format!("{:016x}", hour.hash);
                told.hours.push((hour.start, hour.count, hash));
            }
        }
        "samples" => {
            let mut query = SampleQuery::new(series, ask.from, ask.to);
            query.after = (ask.after > 0).then_some((ask.from, ask.after));
            rows(sink.samples(&query)?, u64::MAX, &mut told)?;
        }
        "numbers" => {
            let query = RowQuery {
                series,
                after: ask.after,
                limit: u64::MAX,
            };
            rows(sink.rows(&query)?, ask.last, &mut told)?;
        }
        "edits" => {
            let edits = sink.edits(series)?.into_iter();
            let behind = edits.filter(|row| row.row > ask.after);
            rows(behind.map(Ok), u64::MAX, &mut told)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(told))
}

fn rows(
    rows: impl Iterator<Item = Result<Row, SinkError>>,
    last: u64,
    told: &mut LinkSumsDocument,
) -> Result<(), SinkError> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let row = row?;
        if row.row > last {
            break;
        }
        bytes += match &row.value {
            Logged::Text(text) => text.len(),
            Logged::Edit(edit) => edit.note.len(),
            _ => 0,
        };
        if found.len() == ROWS_MAX || (bytes > TEXT_BYTES_MAX && !found.is_empty()) {
            told.more = true;
            break;
        }
        found.push(row);
    }
    told.rows = rows_told(&found);
    Ok(())
}
