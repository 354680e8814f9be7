//! Errors (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request was not carried out. Sent as `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:mainstem:problem:` and the code.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The same for each problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// What to do.
    pub action: String,
}
