//! What was recorded, as this room wants it. The composition root brings it from the data loggers.

use mainstem_model::{Quality, Value};

/// A datapoint that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number where it is recorded.
    pub series: u32,
    /// Whether minutes are kept.
    pub minutes: bool,
}

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySpan {
    /// Not before, in microseconds.
    pub from: i64,
    /// Before, in microseconds.
    pub to: i64,
    /// Latest first.
    pub descending: bool,
    /// Only what comes behind this time and row number, in that direction.
    pub after: Option<(i64, u64)>,
    /// So many at the most.
    pub limit: usize,
}

/// One recorded sample.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    /// When it was so, in microseconds.
    pub time: i64,
    /// Its number, for going on behind it.
    pub row: u64,
    /// The value, if there was one.
    pub value: Option<Value>,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// What is known of one minute or hour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HistorySlot {
    /// Its beginning, in microseconds.
    pub start: i64,
    /// Rows in it.
    pub count: u64,
    /// Rows that count below.
    pub good: u64,
    /// The sum of those.
    pub sum: f64,
    /// The least value that held.
    pub min: f64,
    /// The greatest value that held.
    pub max: f64,
    /// The sum of value times seconds.
    pub held: f64,
    /// Microseconds for which a value was known.
    pub known: i64,
}

/// Where recorded samples are. Calls that return rows may wait for the disk.
pub trait History: Send + Sync {
    /// Whether a datapoint is recorded here.
    fn recorded(&self, datapoint: &str) -> Option<Recorded>;

    /// Rows of a series.
    fn rows(&self, recorded: Recorded, span: &HistorySpan) -> Result<Vec<HistoryRow>, String>;

    /// Minutes or hours of a series that begin within a span, earliest first.
    fn slots(
        &self,
        recorded: Recorded,
        is_minutes: bool,
        from: i64,
        to: i64,
        limit: usize,
    ) -> Result<Vec<HistorySlot>, String>;
}

/// Nothing is recorded.
#[derive(Debug)]
pub struct NoHistory;

impl History for NoHistory {
    fn recorded(&self, _datapoint: &str) -> Option<Recorded> {
        None
    }

    fn rows(&self, _recorded: Recorded, _span: &HistorySpan) -> Result<Vec<HistoryRow>, String> {
        Ok(Vec::new())
    }

    fn slots(
        &self,
        _recorded: Recorded,
        _is_minutes: bool,
        _from: i64,
        _to: i64,
        _limit: usize,
    ) -> Result<Vec<HistorySlot>, String> {
        Ok(Vec::new())
    }
}
