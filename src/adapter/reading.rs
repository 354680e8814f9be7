//! What an adapter reports about a datapoint.

use mainstem_model::{Quality, Reason, Timestamp, Value};

use crate::PointId;

/// One reading, raw: scaling, type and time policy are applied by the runner.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The datapoint.
    pub point: PointId,
    /// The raw value; `None` leaves the last one visible under the new quality.
    pub value: Option<Value>,
    /// What the device says about it.
    pub quality: Quality,
    /// The device's time stamp, if it has one.
    pub source_time: Option<Timestamp>,
}

impl Reading {
    /// A good value without a stamp of its own.
    pub fn good(point: PointId, value: Value) -> Self {
        Self {
            point,
            value: Some(value),
            quality: Quality::GOOD,
            source_time: None,
        }
    }

    /// No value, and why.
    pub fn failed(point: PointId, reason: Reason) -> Self {
        Self {
            point,
            value: None,
            quality: Quality::of(reason),
            source_time: None,
        }
    }
}
