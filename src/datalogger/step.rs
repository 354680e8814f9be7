//! One slot of a roll-up.

use std::sync::Arc;

use crate::SeriesId;

/// Rate slots that one roll-up may carry.
pub const RATES_MAX: usize = 16;

/// The width of a slot. Its borders are those of the node's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// One minute.
    Minute = 1,
    /// One hour.
    Hour = 2,
    /// One calendar day.
    Day = 3,
    /// One calendar month.
    Month = 4,
}

impl Step {
    /// Every step, from the narrowest.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Hour, Self::Day, Self::Month];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Reads the stable word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }
}

/// What became of a series within one slot. `min max sum first last` are of numbers that were
/// not bad, and 0 where `good` is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollup {
    /// The series.
    pub series: SeriesId,
    /// The slot's width.
    pub step: Step,
    /// The slot's start, in microseconds since 1970 UTC.
    pub start: i64,
    /// Rows in the slot.
    pub count: u32,
    /// Rows that count in the figures below.
    pub good: u32,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their sum; the mean is this by `good`.
    pub sum: f64,
    /// The earliest.
    pub first: f64,
    /// The latest.
    pub last: f64,
    /// What a counter advanced within the slot; 0 for a range.
    pub increment: f64,
    /// What of the increment fell into each rate slot, by its name; at most [`RATES_MAX`].
    pub rates: Vec<(Arc<str>, f64)>,
}

/// Roll-ups that are stored together, and what they cover.
#[derive(Clone, Debug, Default)]
pub struct RollupBatch {
    /// They replace what stands for the same series, step and start.
    pub rollups: Vec<Rollup>,
    /// Up to which row each series is rolled up; moved in the transaction that stores `rollups`,
    /// so that whoever rolls up knows after a crash where to go on.
    pub covered: Vec<(SeriesId, u64)>,
}
