//! The answer of a long poll.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PointDocument, VariableDocument};

/// What changed behind a cursor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangesDocument {
    /// The datapoints concerned, each once, as they are now.
    pub items: Vec<PointDocument>,
    /// The names of datapoints that are no more.
    pub removed: Vec<String>,
    /// The GUI variables concerned, as they are now; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableDocument>,
    /// The names of GUI variables that are no more; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables_removed: Vec<String>,
    /// How many entries the feed had forgotten; what they changed is in `items` all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<u64>,
    /// What to give as `since` next.
    pub cursor: String,
}
