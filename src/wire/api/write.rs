//! The documents of writes: what a client and a link ask for, and what they are told.

use std::time::Duration;

use mainstem_model::quantity::QuantityError;
use mainstem_model::{Space, Timestamp, WriteId, WriteState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::form;

/// Writes in one batch.
pub const BATCH_WRITES_MAX: usize = 256;

/// The body of `PUT /api/v1/datapoints/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WriteRequestDocument {
    /// The new value, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// How long the datapoint is to have the value: then the owner resets it, a bool to its
    /// opposite, a number to 0. A policy of the owner has to allow it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::duration_text"
    )]
    #[schema(
        example = "500ms",
        pattern = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$"
    )]
    pub pulse: Option<String>,
    /// An idempotency key of the client's choice: with the same key the same write is carried out
    /// once and answered as often as it is asked for.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::key"
    )]
    #[schema(min_length = 1, max_length = 128, pattern = "^[ -~]{1,128}$")]
    pub key: Option<String>,
    /// How long it may take to reach the device, in milliseconds; 5 seconds unless given.
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

/// One write of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchItemDocument {
    /// `variable`, where it is about one; absent for a datapoint.
    #[serde(default, skip_serializing_if = "Space::is_datapoint")]
    #[schema(value_type = String, example = "variable", pattern = "^(datapoint|variable)$")]
    pub kind: Space,
    /// The datapoint or variable.
    pub name: String,
    /// The new value, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// How long the datapoint is to have the value, as with a single write.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::duration_text"
    )]
    #[schema(
        example = "500ms",
        pattern = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$"
    )]
    pub pulse: Option<String>,
    /// The idempotency key of this write.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::key"
    )]
    #[schema(min_length = 1, max_length = 128, pattern = "^[ -~]{1,128}$")]
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
    /// `variable`, where it is about one; absent for a datapoint.
    #[serde(default, skip_serializing_if = "Space::is_datapoint")]
    #[schema(value_type = String, example = "variable", pattern = "^(datapoint|variable)$")]
    pub kind: Space,
    /// The datapoint or variable, by its name at this node.
    pub name: String,
    /// The old name that was asked for, where an alias led to the datapoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_as: Option<String>,
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

/// A write in the journal: what became of it, and who asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WriteEntry {
    /// The write.
    #[serde(flatten)]
    pub write: WriteDocument,
    /// Whose it is here: a client, or the neighbour that it came from.
    #[serde(default)]
    pub principal: String,
    /// From where it came, if over a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Who asked, from the first node on; a claim.
    #[serde(default)]
    pub originators: Vec<String>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The value, shortened; not there for writes from before the node's last start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A part of the journal of writes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WritesDocument {
    /// The writes, newest first.
    pub items: Vec<WriteEntry>,
    /// What to give as `after` for the next part; null at the end.
    pub next: Option<String>,
    /// How far back the journal reaches.
    pub kept: KeptDocument,
}

/// How far back the journal of writes reaches.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptDocument {
    /// When the oldest write came that is kept; null while there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest: Option<Timestamp>,
    /// How many there are.
    pub writes: u64,
    /// How many there can be: then the oldest goes for a new one.
    pub writes_max: u64,
    /// How long one is kept.
    #[schema(example = "24 h")]
    pub kept_for: String,
}

/// The body of `POST /api/v1/link/writes`: a write that a neighbour passes on. The answer is its
/// [`WriteDocument`] once it is final.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkWrite {
    /// Its identity, made at the node where it entered.
    #[schema(value_type = String, format = "uuid")]
    pub id: WriteId,
    /// `variable`, where it is about one; absent for a datapoint. Only for a receiver that told the
    /// feature `variables` in its hello: another one would look for a datapoint of that name.
    #[serde(default, skip_serializing_if = "Space::is_datapoint")]
    #[schema(value_type = String, example = "variable", pattern = "^(datapoint|variable)$")]
    pub kind: Space,
    /// The datapoint or variable, by its name at the node that receives this.
    pub name: String,
    /// The new value, in the JSON of the datapoint's type.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// The session of the sender's stream, whose beats map its clock to the receiver's.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub session: u64,
    /// When this was sent, by the sender's monotonic clock, in microseconds.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub sent: u64,
    /// What was left of the deadline at that moment, in microseconds.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub budget_us: u64,
    /// How long the datapoint is to have the value, in microseconds. Only for a receiver that told
    /// the feature `pulse` in its hello: another one would set the value and never reset it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "form::optional_unsigned"
    )]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub pulse_us: Option<u64>,
    /// Who asked, from the first node on; a claim.
    #[serde(default, deserialize_with = "form::originators")]
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
        Some(text) => form::parse_duration(text).map(Some),
        None => Ok(deadline_ms.map(Duration::from_millis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_value_as_it_was_spelled() {
        let body = r#"{"value":1.50e1,"key":"k","deadline":"2s","newer":true}"#;
        let request: WriteRequestDocument = serde_json::from_str(body).unwrap();
        assert_eq!(request.value.get(), "1.50e1");
        let both = budget(Some(7), request.deadline.as_deref());
        assert_eq!(both.unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(
            budget(Some(7), None).unwrap(),
            Some(Duration::from_millis(7))
        );
        assert_eq!(budget(None, None).unwrap(), None);
        assert!(budget(None, Some("soon")).is_err());
    }

    #[test]
    fn a_write_reads_back_and_leaves_out_what_it_has_not() {
        let document = WriteDocument {
            id: WriteId(uuid::Uuid::from_u128(1)),
            kind: Space::Datapoint,
            name: "plc.setpoint".into(),
            asked_as: None,
            state: WriteState::Applied,
            reason: None,
            message: None,
            hop: None,
            verified: true,
            hops: vec![HopDocument {
                node: "line1".into(),
                state: WriteState::Applied,
                at: Timestamp::from_micros(1),
            }],
            deadline: Timestamp::from_micros(2),
            key: None,
        };
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(
            text,
            r#"{"id":"00000000-0000-0000-0000-000000000001","name":"plc.setpoint","state":"applied","verified":true,"hops":[{"node":"line1","state":"applied","at":"1970-01-01T00:00:00.000001Z"}],"deadline":"1970-01-01T00:00:00.000002Z"}"#
        );
        assert_eq!(
            serde_json::from_str::<WriteDocument>(&text).unwrap(),
            document
        );
        // A neighbour of another age may leave out what has a default.
        let short = text.replace("\"verified\":true,", "");
        assert!(
            !serde_json::from_str::<WriteDocument>(&short)
                .unwrap()
                .verified
        );
    }

    #[test]
    fn a_link_write_carries_the_raw_value() {
        let write = LinkWrite {
            id: WriteId(uuid::Uuid::from_u128(1)),
            kind: Space::Variable,
            name: "a".into(),
            value: RawValue::from_string("18446744073709551615".into()).unwrap(),
            session: 3,
            sent: 4,
            budget_us: 5,
            pulse_us: Some(6),
            originators: vec!["bob@enterprise".into()],
        };
        let text = serde_json::to_string(&write).unwrap();
        let back: LinkWrite = serde_json::from_str(&text).unwrap();
        assert_eq!(back.value.get(), "18446744073709551615");
        assert_eq!(back.kind, Space::Variable);
        assert_eq!((back.session, back.sent, back.budget_us), (3, 4, 5));
    }
}
