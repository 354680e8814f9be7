//! Readers of changes.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody who reads changes at this moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReaderDocument {
    /// Its number in this life of the node.
    pub id: u64,
    /// Who reads.
    pub principal: String,
    /// From where, if over a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `frames`, `events` or `poll`.
    #[schema(example = "frames")]
    pub way: String,
    /// Whether it is a link of another node, which says in its beats how far it is.
    #[serde(default)]
    pub link: bool,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Entries of the feed that it was not told yet, or a link has not applied yet.
    pub lag: u64,
    /// How long ago it was last told everything, in seconds; 0 where it is now.
    pub lag_seconds: f64,
    /// Rows or datapoints that it was told.
    pub rows: u64,
    /// Entries that it did not get because it was slow.
    pub missed: u64,
    /// How often it fell behind the log.
    pub gaps: u64,
    /// Samples that newer ones took the place of, because it asked for that.
    pub conflated: u64,
    /// The deadband that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadband: Option<String>,
    /// The shortest interval that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_interval: Option<String>,
    /// The longest interval that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_interval: Option<String>,
}
