//! The answer to a batch of writes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ProblemDocument;
use super::write::WriteDocument;

/// What became of the writes of a batch, in their order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchResultDocument {
    /// One entry for each write.
    pub items: Vec<BatchResult>,
}

/// What became of one write: the status that a single write would have been answered with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    /// The datapoint.
    pub name: String,
    /// The HTTP status of the same write alone.
    pub status: u16,
    /// The write, where it became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<WriteDocument>,
    /// Why it was not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemDocument>,
}
