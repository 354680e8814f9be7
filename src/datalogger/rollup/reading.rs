//! A recorded row as roll-ups see it.

use mainstem_model::{Quality, Reason, Status};

/// A row of a series of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// When it was so: microseconds.
    pub at: i64,
    /// The number; none where nothing is known from here on.
    pub value: Option<f64>,
    /// How far it can be trusted.
    pub quality: Quality,
}

impl Reading {
    /// The number if it counts: a finite one that is not bad. What was only kept from before a
    /// restart says nothing about now.
    pub fn usable(&self) -> Option<f64> {
        let counts = self.quality.status != Status::Bad && self.quality.reason != Reason::Restarted;
        self.value.filter(|value| counts && value.is_finite())
    }
}
