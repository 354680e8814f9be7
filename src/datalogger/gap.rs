//! Holes in what is held, as objects: a hole is never silence.

use mainstem_model::NodeId;

use crate::SeriesId;

/// Gap records that one sink keeps. Beyond them the oldest healed ones go.
pub const GAPS_MAX: usize = 100_000;

/// The number of a gap record in its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GapId(pub u64);

/// Why rows are not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GapCause {
    /// The origin, or the level between, had deleted them before they were read.
    Retention,
    /// A file that held them was damaged or lost.
    Damage,
    /// Samples were forgotten before they could be recorded.
    NotRecorded,
    /// The store was restored from an older state.
    Restored,
    /// A comparison with the next level found them missing, and nobody knows why.
    Missing,
}

impl GapCause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Retention,
        Self::Damage,
        Self::NotRecorded,
        Self::Restored,
        Self::Missing,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Damage => "damage",
            Self::NotRecorded => "not_recorded",
            Self::Restored => "restored",
            Self::Missing => "missing",
        }
    }

    /// Reads the stable word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// How far a gap is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Healing {
    /// Nobody has tried yet, or a try failed.
    Open,
    /// Rows are being fetched.
    Running,
    /// The rows are here.
    Healed,
    /// Nobody has the rows any more.
    Permanent,
}

impl Healing {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Running, Self::Healed, Self::Permanent];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Running => "healing",
            Self::Healed => "healed",
            Self::Permanent => "permanent",
        }
    }

    /// Reads the stable word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A hole in a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The series.
    pub series: SeriesId,
    /// What is missing lies not before, in microseconds.
    pub from: i64,
    /// And before, in microseconds.
    pub to: i64,
    /// The first and the last row number that is missing, where they are known.
    pub rows: Option<(u64, u64)>,
    /// Why.
    pub cause: GapCause,
    /// The node at which it came about; none: this one.
    pub hop: Option<NodeId>,
    /// How far it is healed.
    pub state: Healing,
    /// When it was found, in microseconds.
    pub since: i64,
}

/// Gap records in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapQuery {
    /// Of this series only.
    pub series: Option<SeriesId>,
    /// Records behind this one.
    pub after: GapId,
    /// At most so many.
    pub limit: usize,
}

impl GapQuery {
    /// The records of a series.
    pub fn of(series: SeriesId) -> Self {
        Self {
            series: Some(series),
            after: GapId(0),
            limit: GAPS_MAX,
        }
    }
}
