//! The acknowledgements of `POST /api/v1/samples`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One acknowledgement: a line of the answer for each part of the body that was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SamplesAck {
    /// Lines read since the acknowledgement before.
    pub lines: u64,
    /// Samples taken over from them, those that repeat the last one included.
    pub applied: u64,
    /// Samples and definitions that were refused.
    pub refused: u64,
    /// The first reason for a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
