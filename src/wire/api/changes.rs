//! The answer of a long poll.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PointDocument;

/// What changed behind a cursor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangesDocument {
    /// The datapoints concerned, each once, as they are now.
    pub items: Vec<PointDocument>,
    /// The names of datapoints that are no more.
    pub removed: Vec<String>,
    /// How many entries the feed had forgotten; what they changed is in `items` all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<u64>,
    /// What to give as `since` next.
    pub cursor: String,
}
