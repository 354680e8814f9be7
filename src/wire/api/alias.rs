//! An alias as a document.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An old name that still leads to a datapoint, or to all that is below a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AliasDocument {
    /// The old name, or the old beginning of names.
    pub from: String,
    /// What it is called now.
    pub to: String,
    /// The prefix of the remote that told it; not there if it stands in this node's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// How often it was needed at this node since its start: names looked up, writes, and rights
    /// that only the old name gives.
    pub uses: u64,
    /// When it was needed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
    /// Whether the new name leads to a datapoint.
    pub leads_somewhere: bool,
}
