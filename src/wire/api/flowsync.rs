//! Held requests as documents.

use std::collections::BTreeMap;

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
