//! Held requests as documents.

use std::collections::BTreeMap;

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::form;

/// What is held, and what has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TransactionsDocument {
    /// How many are held.
    pub open_count: u64,
    /// Those that are held, the nearest deadline first.
    pub open: Vec<TransactionDocument>,
    /// The last that have ended, the last first.
    pub ended: Vec<TransactionDocument>,
}

/// A request that is held, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TransactionDocument {
    /// Its id on the bus.
    pub id: String,
    /// The server node that holds it.
    pub node: String,
    /// Who asked: the name of a token.
    pub principal: String,
    /// Over what it came: `http`, `opcua`, `link`.
    pub protocol: String,
    /// `held`, `answered`, `failed` (a responder answered with an error), `timed_out`, `gone` (who
    /// asked went away), `bus_away` or `stopped`.
    pub state: String,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub opened: Timestamp,
    /// For how long it is or was held, in milliseconds.
    pub held_ms: f64,
    /// The time that is left, in milliseconds; only of those that are held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<f64>,
    /// The code of an error, where the responder gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// What a responder said with an error, or why the bus was away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A server node that holds requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowNodeDocument {
    /// Its name.
    pub name: String,
    /// Its topic: requests are told on `<topic>/treq`, replies expected on `<topic>/tres`.
    pub topic: String,
    /// How long a reply is waited for, in milliseconds.
    pub timeout_ms: u64,
    /// Whether it can hold requests now.
    pub ready: bool,
    /// Why it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Requests that it holds.
    pub open: u64,
    /// Requests that have ended, by how.
    pub ended: BTreeMap<String, u64>,
    /// Replies that answered nobody, by why: `late doubled foreign unknown malformed retained`.
    pub strays: BTreeMap<String, u64>,
    /// Requests that were refused since the table was full.
    pub refused: u64,
    /// Replies that came faster than they could be taken.
    pub missed: u64,
}

/// The body of `POST /api/v1/link/flowsync`: a request that a neighbour above has held for a node
/// below it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkHold {
    /// Its identity, made at the node where it is held.
    #[schema(value_type = String, format = "uuid")]
    pub id: uuid::Uuid,
    /// The server node, by its name at the node that receives this.
    pub name: String,
    /// What is asked.
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
    /// Who asked, from the first node on; a claim.
    #[serde(default, deserialize_with = "form::originators")]
    #[schema(max_items = 8)]
    pub originators: Vec<String>,
}

/// What became of a request that a neighbour above has held.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkHeld {
    /// `answered`, `failed`, `timed_out`, `busy`, `bus_away`, `stopped`, `refused`, `unknown_node`,
    /// `link_down` or `link_lost`; of the last four of which only `link_lost` may have been told.
    pub state: String,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub value: Option<Box<RawValue>>,
    /// The code of an error, where the responder gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// What happened, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether somebody may have been told the request.
    #[serde(default)]
    pub told: bool,
    /// The nodes that it reached, that which answers first.
    #[serde(default)]
    #[schema(max_items = 9)]
    pub hops: Vec<String>,
}

impl LinkHeld {
    /// An end without an answer.
    #[must_use]
    pub fn because(state: &str, message: impl Into<String>, told: bool) -> Self {
        Self {
            state: state.to_owned(),
            value: None,
            code: None,
            message: Some(message.into()),
            told,
            hops: Vec::new(),
        }
    }
}
