//! Events and the answers to them.

use mainstem_model::EventId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::form;

/// The body of `POST /api/v1/events`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventRequestDocument {
    /// What happened: a name such as `flow.order`.
    #[schema(min_length = 1, max_length = 255)]
    pub kind: String,
    /// What there is to know about it; at most 64 KiB.
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
    /// How long an answer is waited for: up to 10 minutes, 5 s unless given.
    #[serde(
        default,
        deserialize_with = "form::duration_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(example = "5s", pattern = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$")]
    pub deadline: Option<String>,
}

/// Why there is no other answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventFault {
    /// A stable word, for programs.
    #[schema(max_length = 128)]
    pub code: String,
    /// What happened, for people.
    #[schema(max_length = 1024)]
    pub message: String,
}

/// The body of `POST /api/v1/events/{id}/reply`: `data`, or `error`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct EventReplyDocument {
    /// The answer; at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub data: Option<Box<RawValue>>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EventFault>,
    /// Who answered and the nodes that the answer passed: a claim, which a node that passes an
    /// answer on adds itself to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 9)]
    pub by: Vec<String>,
}

/// An answer was taken by the node that waits for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventTakenDocument {
    /// The event.
    #[schema(value_type = String, format = "uuid")]
    pub id: EventId,
}

/// What became of an event: the answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventAnswerDocument {
    /// The event.
    #[schema(value_type = String, format = "uuid")]
    pub id: EventId,
    /// The answer.
    #[serde(flatten)]
    pub reply: EventReplyDocument,
}

/// An event that waits for its answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventDocument {
    /// Its identity.
    #[schema(value_type = String, format = "uuid")]
    pub id: EventId,
    /// What happened.
    pub kind: String,
    /// What there is to know about it.
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
    /// How long an answer is still of use, in milliseconds.
    pub remaining_ms: u64,
    /// Who raised it and the nodes that it passed.
    pub from: Vec<String>,
}
