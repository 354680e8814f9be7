//! What can be asked of a sink.

use mainstem_model::{Quality, Status};

use crate::{Rollup, Row, SeriesId, SinkError, Step};

/// The direction of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first; of equal times the lower row number.
    #[default]
    Ascending,
    /// Newest first; of equal times the higher row number.
    Descending,
}

/// Which qualities an answer contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum QualityFilter {
    /// Every row.
    #[default]
    Any,
    /// Good and uncertain ones.
    NotBad,
    /// Good ones only.
    Good,
}

impl QualityFilter {
    /// Whether a row of this quality belongs to the answer.
    pub fn admits(self, code: u16) -> bool {
        match self {
            Self::Any => true,
            Self::NotBad => Quality::from_code(code).status != Status::Bad,
            Self::Good => Quality::from_code(code).is_good(),
        }
    }
}

/// Samples of one series in the order of their times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleQuery {
    /// The series.
    pub series: SeriesId,
    /// Not before, in microseconds.
    pub from: i64,
    /// Before, in microseconds; `i64::MAX` includes the last moment there is.
    pub to: i64,
    /// The direction.
    pub order: Order,
    /// At most so many rows.
    pub limit: u64,
    /// Which qualities.
    pub quality: QualityFilter,
    /// Only what comes after this time and row number in the order asked for: the last of the
    /// page before.
    pub after: Option<(i64, u64)>,
}

impl SampleQuery {
    /// Everything of a series from a time to before another, oldest first.
    pub fn new(series: SeriesId, from: i64, to: i64) -> Self {
        Self {
            series,
            from,
            to,
            order: Order::Ascending,
            limit: u64::MAX,
            quality: QualityFilter::Any,
            after: None,
        }
    }
}

/// Rows of one series in the order of their numbers: how they travel to the next level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowQuery {
    /// The series.
    pub series: SeriesId,
    /// Rows with a greater number.
    pub after: u64,
    /// At most so many rows.
    pub limit: u64,
}

/// Roll-ups of one series and step in the order of their starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupQuery {
    /// The series.
    pub series: SeriesId,
    /// The width of the slots.
    pub step: Step,
    /// Slots that start not before, in microseconds.
    pub from: i64,
    /// Slots that start before, in microseconds.
    pub to: i64,
    /// The direction.
    pub order: Order,
    /// At most so many.
    pub limit: u64,
}

/// An answer that is read piece by piece, in bounded memory. After an error it ends: what was
/// given out before is right, what is missing is said.
pub type Answer<T> = Box<dyn Iterator<Item = Result<T, SinkError>> + Send>;
/// Samples, one after the other.
pub type Samples = Answer<Row>;
/// Roll-ups, one after the other.
pub type Rollups = Answer<Rollup>;
