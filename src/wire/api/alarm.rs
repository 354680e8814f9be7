//! What needs a person.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One alarm: a problem of the node itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlarmDocument {
    /// What it is, the same each time it comes back.
    pub id: String,
    /// `info`, `warning`, `high` or `critical`.
    pub severity: String,
    /// The part of the node that says so.
    pub source: String,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub action: String,
    /// Whether it is so now.
    pub active: bool,
    /// Whether a person has seen it.
    pub acknowledged: bool,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Until when, if it is over.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Timestamp>,
}
