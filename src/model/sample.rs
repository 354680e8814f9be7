//! A value with its quality and times.

use crate::{Quality, Timestamp, Value};

/// What a source says about a datapoint at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The value; absent while the quality says why there is none.
    pub value: Option<Value>,
    /// The sample's own quality, before that of its sources.
    pub quality: Quality,
    /// When the source says that it was so; never rewritten in transit. Absent where the node
    /// stamps: then a sample that repeats value and quality is no change.
    pub source_time: Option<Timestamp>,
}

impl Sample {
    /// A good value.
    pub fn good(value: Value, source_time: Option<Timestamp>) -> Self {
        Self {
            value: Some(value),
            quality: Quality::GOOD,
            source_time,
        }
    }

    /// A value with a quality of its own.
    pub fn with_quality(value: Value, quality: Quality, source_time: Option<Timestamp>) -> Self {
        Self {
            value: Some(value),
            quality,
            source_time,
        }
    }

    /// No new value: the last one stays visible under this quality.
    pub fn without_value(quality: Quality, source_time: Option<Timestamp>) -> Self {
        Self {
            value: None,
            quality,
            source_time,
        }
    }
}
