//! One recorded sample.

use std::sync::Arc;

use crate::{Edit, SeriesId};

/// A recorded value.
#[derive(Clone, Debug, Default)]
pub enum Logged {
    /// There was no value; the quality says why.
    #[default]
    None,
    /// A floating-point number, kept bit by bit.
    Number(f64),
    /// An integer.
    Integer(i64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(Arc<str>),
    /// No sample: rows with lower numbers are superseded from this row's time on, until before the
    /// edit's end. Readers of samples never see it; it travels like any row.
    Edit(Arc<Edit>),
}

// Bit by bit, so that NaN equals itself and -0.0 is not 0.0: what comes back is what went in.
impl PartialEq for Logged {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Number(left), Self::Number(right)) => left.to_bits() == right.to_bits(),
            (Self::Integer(left), Self::Integer(right)) => left == right,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Edit(left), Self::Edit(right)) => left == right,
            _ => false,
        }
    }
}

impl Eq for Logged {}

impl Logged {
    /// The value as a number, where it is one; a truth value counts as 0 or 1.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "a chart needs no 64 bits")]
            Self::Integer(number) => Some(*number as f64),
            Self::Bool(truth) => Some(f64::from(u8::from(*truth))),
            Self::None | Self::Text(_) | Self::Edit(_) => None,
        }
    }
}

/// One recorded sample. Rows of a series are numbered densely from 1 in the order of recording,
/// which need not be that of their times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The series, by its number in the sink that it is handed to.
    pub series: SeriesId,
    /// Its number within the series, from 1, without holes at its origin.
    pub row: u64,
    /// When the value was so, in microseconds since 1970 UTC.
    pub time: i64,
    /// When the origin received it, in microseconds since 1970 UTC, where that is another moment.
    pub received: Option<i64>,
    /// The value.
    pub value: Logged,
    /// Its quality, as `Quality::code` gives it.
    pub quality: u16,
}
