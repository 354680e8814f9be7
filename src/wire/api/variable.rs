//! A GUI variable as a document.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{QualityDocument, form};

/// A GUI variable at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VariableDocument {
    /// Its name at this node: object and attribute.
    pub name: String,
    /// Its text.
    pub value: String,
    /// How far it can be trusted.
    pub quality: QualityDocument,
    /// When it was set, by the clock of the node that it is from.
    #[schema(value_type = String, format = DateTime)]
    pub source_time: Timestamp,
    /// When this node got it.
    #[schema(value_type = String, format = DateTime)]
    pub received_time: Timestamp,
    /// The name of the node at which it was made.
    pub owner: String,
}

/// The body of `PUT /api/v1/variables/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SetVariableDocument {
    /// The new text, at most 64 KiB.
    #[schema(value_type = String, max_length = 65536)]
    pub value: Box<RawValue>,
    /// An idempotency key of the client's choice: with the same key the same write is carried out
    /// once and answered as often as it is asked for.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::key"
    )]
    #[schema(min_length = 1, max_length = 128, pattern = "^[ -~]{1,128}$")]
    pub key: Option<String>,
    /// How long it may take to reach its owner, in milliseconds; 5 seconds unless given.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::optional_unsigned"
    )]
    #[schema(minimum = 1, maximum = 600_000)]
    pub deadline_ms: Option<u64>,
    /// The same with a unit: `5s`, `500ms`, `2min`; it counts where both are given.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::duration_text"
    )]
    #[schema(example = "5s", pattern = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$")]
    pub deadline: Option<String>,
}
