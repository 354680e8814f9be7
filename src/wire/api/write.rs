//! The documents of writes: what a client and a link ask for, and what they are told.

use std::time::Duration;

use mainstem_model::quantity::{QuantityError, parse_duration};
use mainstem_model::{Timestamp, WriteId, WriteState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Writes in one batch.
pub const BATCH_WRITES_MAX: usize = 256;

/// The body of `PUT /api/v1/datapoints/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WriteRequestDocument {
    /// The new value, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// An idempotency key of the client's choice: with the same key the same write is carried out
    /// once and answered as often as it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub key: Option<String>,
    /// How long it may take to reach the device, in milliseconds; 5 seconds unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The same with a unit: `5s`, `500ms`, `2min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "5s")]
    pub deadline: Option<String>,
}

/// One write of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchItemDocument {
    /// The datapoint.
    pub name: String,
    /// The new value, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// The idempotency key of this write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub key: Option<String>,
}

/// The body of `POST /api/v1/writes`. Its writes are independent of each other: each has an
/// outcome of its own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchWriteDocument {
    /// The writes, at most [`BATCH_WRITES_MAX`].
    #[schema(max_items = 256)]
    pub writes: Vec<BatchItemDocument>,
    /// How long each may take to reach its device, in milliseconds; 5 seconds unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The same with a unit: `5s`, `500ms`, `2min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "5s")]
    pub deadline: Option<String>,
}

/// One node that a write passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HopDocument {
    /// The node's name.
    pub node: String,
    /// How far the write came there.
    #[schema(value_type = String, example = "forwarded")]
    pub state: WriteState,
    /// When, by that node's clock.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A write and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WriteDocument {
    /// Its identity at every node.
    #[schema(value_type = String, format = "uuid")]
    pub id: WriteId,
    /// The datapoint, by its name at this node.
    pub name: String,
    /// `accepted`, `forwarded`, `applied`, `rejected`, `expired` or `unknown`.
    #[schema(value_type = String, example = "applied")]
    pub state: WriteState,
    /// A stable code that says why it was not applied: `policy`, `limits`, or the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What happened, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it was refused or lost, as a path of names seen from this node; not there if here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// Whether the value was read back from the device.
    #[serde(default)]
    pub verified: bool,
    /// The nodes that it passed, this one first.
    #[serde(default)]
    pub hops: Vec<HopDocument>,
    /// After this moment it is not carried out.
    #[schema(value_type = String, format = DateTime)]
    pub deadline: Timestamp,
    /// The idempotency key that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The body of `POST /api/v1/link/writes`: a write that a neighbour passes on. The answer is its
/// [`WriteDocument`] once it is final.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkWrite {
    /// Its identity, made at the node where it entered.
    #[schema(value_type = String, format = "uuid")]
    pub id: WriteId,
    /// The datapoint, by its name at the node that receives this.
    pub name: String,
    /// The new value, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// The session of the sender's stream, whose beats map its clock to the receiver's.
    pub session: u64,
    /// When this was sent, by the sender's monotonic clock, in microseconds.
    pub sent: u64,
    /// What was left of the deadline at that moment, in microseconds.
    pub budget_us: u64,
    /// Who asked, from the first node on; a claim.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub originators: Vec<String>,
}

/// The deadline of a request, from whichever of its two fields is given; the one with a unit
/// decides if both are.
pub fn budget(
    deadline_ms: Option<u64>,
    deadline: Option<&str>,
) -> Result<Option<Duration>, QuantityError> {
    match deadline {
        Some(text) => parse_duration(text).map(Some),
        None => Ok(deadline_ms.map(Duration::from_millis)),
    }
}
