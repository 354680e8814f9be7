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
    /// Of the rows that count, those that are uncertain.
    pub uncertain: u32,
    /// The sum of value times seconds, each value holding until the next row; the average is this
    /// by the seconds of `known`.
    pub held: f64,
    /// Microseconds of the slot for which a value was known.
    pub known: i64,
    /// What a counter advanced within the slot; 0 for a range.
    pub increment: f64,
    /// The part of the increment that went by while nothing was known, counted where that ended.
    pub across_gap: f64,
    /// How often the counter was set back to 0.
    pub resets: u32,
    /// How often it went over its end.
    pub overflows: u32,
    /// How often it went back a little, as if to correct itself.
    pub corrections: u32,
    /// What of the increment fell into each rate slot; at most [`RATES_MAX`].
    pub rates: Vec<RateShare>,
}

/// What of a counter's increment fell to one rate.
#[derive(Clone, Debug, PartialEq)]
pub struct RateShare {
    /// The rate's name.
    pub rate: Arc<str>,
    /// By how much the counter advanced.
    pub increment: f64,
    /// What that cost, at the prices of the time.
    pub cost: f64,
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
