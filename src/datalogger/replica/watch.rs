//! What one reader was told of the series here, and what it has to be told next. Pure.

use std::collections::{BTreeMap, HashMap};

use mainstem_model::GlobSet;
use mainstem_wire::{LogLine, LogRanges, LogSeries};

use super::json;
use super::plan::missing;
use crate::numbers::Numbers;
use crate::recorder::{Book, LoggerView};
use crate::{Logged, Row, SeriesId, SinkError};

/// Ranges of one series that are told at once; the others follow when the first have joined.
const RANGES_MAX: usize = 64;
/// Series described in one line.
const SERIES_A_LINE: usize = 200;
/// Series of which ranges are told in one line.
const HAVE_A_LINE: usize = 500;
/// Rows of one line.
const ROWS_A_LINE: usize = 1024;
/// Bytes of texts in one line; escaped they may be six times as many.
const TEXT_BYTES_A_LINE: usize = 64 << 10;

/// The series here that patterns admit and somebody may read.
pub fn catalogue(
    book: &Book,
    wanted: &GlobSet,
    may: &dyn Fn(&LoggerView) -> bool,
) -> Vec<LogSeries> {
    let keys: HashMap<_, _> = book.sink().list().into_iter().collect();
    let views = book.list(None, usize::MAX).into_iter();
    let admitted = views.filter(|view| {
        let names = [view.name.as_str(), &view.logger];
        names.iter().any(|name| wanted.allows(name)) && may(view)
    });
    let series = admitted.filter_map(|view| {
        let key = keys.get(&view.series)?;
        Some(LogSeries {
            id: view.series.0,
            origin: key.origin,
            log: key.log.0,
            logger: key.logger.to_string(),
            name: view.name.to_string(),
            group: view.logger.to_string(),
            datapoint: view.datapoint.to_string(),
            kind: view.kind.as_str().to_owned(),
            samples: view.samples.as_str().to_owned(),
            minutes: view.minutes,
            modulus: view.modulus,
            unit: view.unit.map(Into::into),
            description: view.description.map(Into::into),
            value_type: view.value_type.map(|value_type| value_type.to_string()),
            recording: view.recording,
        })
    });
    series.collect()
}

/// What one reader was told.
#[derive(Debug, Default)]
pub struct Watch {
    told: BTreeMap<u32, Told>,
}

#[derive(Debug)]
struct Told {
    series: LogSeries,
    have: Numbers,
    /// What was stored at the last look.
    looked: Option<LogRanges>,
}

impl Watch {
    /// What is new among the series; these are all that there are.
    pub fn describe(&mut self, series: Vec<LogSeries>) -> Vec<LogLine> {
        let mut line = LogLine::default();
        let ids: std::collections::HashSet<u32> = series.iter().map(|one| one.id).collect();
        let gone = self.told.keys().filter(|id| !ids.contains(id));
        line.ended = gone.copied().collect();
        for id in &line.ended {
            self.told.remove(id);
        }
        let mut lines = Vec::new();
        for one in series {
            let told = self.told.get(&one.id).map(|told| &told.series);
            if told == Some(&one) {
                continue;
            }
            let before = self.told.remove(&one.id);
            let (have, looked) = before
                .map(|told| (told.have, told.looked))
                .unwrap_or_default();
            let series = one.clone();
            let told = Told {
                series,
                have,
                looked,
            };
            self.told.insert(one.id, told);
            line.series.push(one);
            if line.series.len() >= SERIES_A_LINE {
                lines.push(std::mem::take(&mut line));
            }
        }
        if !line.series.is_empty() || !line.ended.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Which numbers are stored, where that is more than was told. Of what follows live, what was
    /// stored at the look before counts: the rows since then are on their way here.
    pub fn ranges(
        &mut self,
        held: &dyn Fn(SeriesId) -> Result<LogRanges, SinkError>,
    ) -> Result<Vec<LogLine>, SinkError> {
        let mut line = LogLine::default();
        let mut lines = Vec::new();
        for (id, told) in &mut self.told {
            let mut now = held(SeriesId(*id))?;
            now.truncate(RANGES_MAX);
            let ranges = told.looked.replace(now.clone()).unwrap_or(now);
            if missing(&ranges, told.have.ranges(), 1).is_empty() {
                continue;
            }
            told.have.absorb(&ranges);
            line.have.push((*id, ranges));
            if line.have.len() >= HAVE_A_LINE {
                lines.push(std::mem::take(&mut line));
            }
        }
        if !line.have.is_empty() {
            lines.push(line);
        }
        Ok(lines)
    }

    /// Rows that were stored just now, of series that were told.
    pub fn live(&mut self, rows: &[Row]) -> Vec<LogLine> {
        let told = |row: &&Row| self.told.contains_key(&row.series.0);
        let mut rows: Vec<&Row> = rows.iter().filter(told).collect();
        rows.sort_by_key(|row| row.series);
        let mut lines = Vec::new();
        let mut line = LogLine::default();
        let (mut count, mut texts) = (0, 0);
        for same in rows.chunk_by(|left, right| left.series == right.series) {
            let id = same[0].series.0;
            let Some(told) = self.told.get_mut(&id) else {
                continue;
            };
            let mut part = Vec::new();
            for row in same {
                told.have.insert(row.row, row.row);
                count += 1;
                texts += match &row.value {
                    Logged::Text(text) => text.len(),
                    _ => 0,
                };
                part.push(*row);
                if count >= ROWS_A_LINE || texts >= TEXT_BYTES_A_LINE {
                    line.rows.push(json::told(id, part.drain(..)));
                    lines.push(std::mem::take(&mut line));
                    (count, texts) = (0, 0);
                }
            }
            if !part.is_empty() {
                line.rows.push(json::told(id, part.into_iter()));
            }
        }
        if !line.rows.is_empty() {
            lines.push(line);
        }
        lines
    }
}
