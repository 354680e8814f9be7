//! Mappings as documents.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A mapping of the node file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MappingDocument {
    /// Its resource id.
    pub id: String,
    /// Whether it is to work.
    pub enabled: bool,
    /// Its ways, in the order of the file.
    pub items: Vec<MappingItemDocument>,
}

/// One way of a mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MappingItemDocument {
    /// The filters that it subscribes.
    pub subscribe: Vec<String>,
    /// Where it publishes, with its variables.
    pub publish: String,
    /// Whether it is subscribed.
    pub ready: bool,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Messages that came.
    pub received: u64,
    /// Messages that were published.
    pub published: u64,
    /// Messages that a rule held back or gathered.
    pub held: u64,
    /// Messages at which a rule failed.
    pub failed: u64,
    /// Messages that only told how things were, and were left out.
    pub retained: u64,
    /// Messages of this node that came faster than a way may take that may feed itself.
    pub looping: u64,
    /// Messages that came faster than they could be taken.
    pub missed: u64,
    /// Results that could not be published.
    pub undelivered: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<MappingErrorDocument>,
}

/// What went wrong at a mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MappingErrorDocument {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    pub message: String,
}
