//! Remote support: a node is opened for it by its administrator, for a time.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A wish to open a node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSupportDocument {
    /// For how long, 1 s to 24 h.
    #[serde(rename = "for")]
    #[schema(example = "2h", pattern = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$")]
    pub duration: String,
}

/// Whether a node is open for remote support.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SupportDocument {
    /// Whether it is.
    pub open: bool,
    /// The role that whoever comes acts as; without one the node cannot be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Until when it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<String>,
}
