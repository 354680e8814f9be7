//! A datapoint as a document.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A datapoint at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PointDocument {
    /// Its name at this node.
    pub name: String,
    /// The old name that was asked for, where an alias led here: use `name` from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_as: Option<String>,
    /// The last value, in the JSON of its type; null while there has been none.
    #[schema(value_type = serde_json::Value)]
    pub value: Option<Box<RawValue>>,
    /// How far it can be trusted.
    pub quality: QualityDocument,
    /// When the source says that it was so.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub source_time: Option<Timestamp>,
    /// When this node got it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub received_time: Option<Timestamp>,
    /// Seconds since its source last confirmed it.
    pub age: f64,
    /// What it is, with `meta=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<MetaDocument>,
}

/// How far a value can be trusted, and why not further.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityDocument {
    /// `good`, `uncertain` or `bad`.
    pub status: String,
    /// A stable word.
    pub reason: String,
    /// The path of the link or adapter at fault, as seen from this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// The UUID of the node at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_id: Option<String>,
    /// Since when it is so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// What a datapoint is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetaDocument {
    /// Its type, such as `f64` or `u8[]`.
    #[serde(rename = "type")]
    pub value_type: String,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `r`, `w` or `rw`.
    pub access: String,
    /// The range for writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsDocument>,
    /// The path of the source that it comes from.
    pub owner: String,
}

/// The range that a written number must keep.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct LimitsDocument {
    /// Smallest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}
