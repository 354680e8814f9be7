//! Data loggers as documents.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One recorded series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoggerDocument {
    /// Its name: the id of the logger, or that and the datapoint where the logger has patterns.
    pub id: String,
    /// The datapoint that it records.
    pub datapoint: String,
    /// `range` or `counter`.
    pub kind: String,
    /// Which samples are kept: `on_change`, `interval` or `every`.
    pub samples: String,
    /// Whether minutes are rolled up too.
    pub minutes: bool,
    /// The time zone by which roll-ups are counted.
    pub zone: String,
    /// The unit of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of the datapoint; not there before the datapoint was.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<String>,
    /// Whether the datapoint is there and is recorded now.
    pub recording: bool,
    /// Whether its logger is not in the node file any more; what it recorded can be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// Rows held; only where one series is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The oldest row held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest: Option<Timestamp>,
    /// The newest row held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest: Option<Timestamp>,
}
