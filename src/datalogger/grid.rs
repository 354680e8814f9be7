//! Several series on one time grid, line by line, in memory that does not grow with the answer.
//!
//! The same value has the same meaning as in a roll-up: it holds until the next row of its series, a
//! row without a value or of bad quality says that nothing is known from there on, and a slot in
//! which nothing was known has no value.

mod lane;
#[cfg(test)]
mod tests;

use lane::Lane;

use crate::rollup::Tally;
use crate::{SeriesId, Sink, SinkError};

/// Series of one grid: each keeps a page of rows in memory.
pub const GRID_SERIES_MAX: usize = 32;
/// The narrowest slot, in microseconds.
pub const GRID_STEP_MIN: i64 = 1_000;
/// Grids of whole hours are read from roll-ups.
const HOUR: i64 = 3_600_000_000;

/// What a cell of a grid is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Measure {
    /// The average by time: each value weighs as long as it held.
    #[default]
    Average,
    /// The smallest value that held.
    Min,
    /// The largest one.
    Max,
    /// The plain average of the rows.
    Mean,
    /// The first reading, or else the value that held.
    First,
    /// The last reading, or else the value that held.
    Last,
    /// How many rows counted; 0 where there are none.
    Count,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 7] = [
        Self::Average,
        Self::Min,
        Self::Max,
        Self::Mean,
        Self::First,
        Self::Last,
        Self::Count,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::First => "first",
            Self::Last => "last",
            Self::Count => "count",
        }
    }

    /// Reads the stable word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    fn of(self, tally: &Tally) -> Option<f64> {
        let is_read = tally.count > 0;
        match self {
            Self::Average => tally.average(),
            Self::Min => tally.lowest(),
            Self::Max => tally.highest(),
            Self::Mean => tally.mean(),
            Self::First if is_read => Some(tally.first),
            Self::Last if is_read => Some(tally.last),
            // Without a reading one value held all the time.
            Self::First | Self::Last => tally.lowest(),
            #[expect(clippy::cast_precision_loss, reason = "rows of a slot")]
            Self::Count => Some(tally.count as f64),
        }
    }
}

/// What stands where nothing was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fill {
    /// Nothing.
    #[default]
    Nothing,
    /// The cell before, if the grid has one.
    Previous,
}

/// What is asked of a grid. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridQuery {
    /// The series, in the order of the columns; at most [`GRID_SERIES_MAX`].
    pub series: Vec<SeriesId>,
    /// Where the first slot begins.
    pub from: i64,
    /// Slots begin before this moment.
    pub to: i64,
    /// The width of a slot; at least [`GRID_STEP_MIN`].
    pub step: i64,
    /// Beyond this moment nothing holds: the present.
    pub now: i64,
    /// What a cell is.
    pub measure: Measure,
    /// What stands where nothing was known.
    pub fill: Fill,
    /// Whether only good rows count; otherwise uncertain ones count as well.
    pub only_good: bool,
}

impl GridQuery {
    /// Whether the slots are made of whole hours, so that roll-ups say the same as rows.
    fn is_hourly(&self) -> bool {
        self.step % HOUR == 0 && self.from.rem_euclid(HOUR) == 0 && !self.only_good
    }
}

/// A grid being read.
pub struct Grid<'a> {
    query: GridQuery,
    lanes: Vec<Lane<'a>>,
    /// What each series had last.
    before: Vec<Option<f64>>,
    next: i64,
}

impl<'a> Grid<'a> {
    /// Begins to read. Blocks, as every call of this does.
    pub fn new(sink: &'a dyn Sink, mut query: GridQuery) -> Result<Self, SinkError> {
        query.series.truncate(GRID_SERIES_MAX);
        query.step = query.step.max(GRID_STEP_MIN);
        let is_hourly = query.is_hourly();
        let series = query.series.iter();
        let lanes = series.map(|series| Lane::new(sink, *series, &query, is_hourly));
        Ok(Self {
            lanes: lanes.collect::<Result<_, _>>()?,
            before: vec![None; query.series.len()],
            next: query.from,
            query,
        })
    }

    /// The next line: the beginning of its slot, and a cell for each series. Nothing behind the last.
    pub fn line(&mut self, cells: &mut Vec<Option<f64>>) -> Result<Option<i64>, SinkError> {
        cells.clear();
        let from = self.next;
        if from >= self.query.to {
            return Ok(None);
        }
        let to = from.saturating_add(self.query.step);
        for (lane, before) in self.lanes.iter_mut().zip(&mut self.before) {
            let tally = lane.slot((from, to), self.query.now)?;
            let cell = self.query.measure.of(&tally);
            *before = cell.or(*before);
            cells.push(match self.query.fill {
                Fill::Nothing => cell,
                Fill::Previous => *before,
            });
        }
        self.next = to;
        Ok(Some(from))
    }
}
