//! The bus and its messages as documents.

use std::collections::BTreeMap;

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The bus of a node: a broker of its own, or a foreign one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BusDocument {
    /// `embedded`, `external`, or `none` where nothing needs a bus.
    pub kind: String,
    /// `up`, `down` or `none`.
    pub state: String,
    /// Since when it is in this state.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Why it is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Where the foreign broker is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// Where clients of the embedded broker come in.
    pub listeners: Vec<BusListenerDocument>,
    /// What it holds now, by name.
    pub now: BTreeMap<String, u64>,
    /// What happened since the start, by name.
    pub counts: BTreeMap<String, u64>,
    /// What was refused since the start, by its word.
    pub refused: BTreeMap<String, u64>,
}

/// Where clients come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BusListenerDocument {
    /// IP address and port.
    pub address: String,
    /// `tcp` or `websocket`.
    pub transport: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// A message to be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishDocument {
    /// Where to.
    pub topic: String,
    /// What, as a text. This or `bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What, as hexadecimal digits. This or `payload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// How surely: 0, 1 or 2.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2)]
    pub qos: u8,
    /// Whether the broker keeps it for whoever subscribes later.
    #[serde(default)]
    pub retain: bool,
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageDocument {
    /// Where it was published.
    pub topic: String,
    /// What, where it is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What, as hexadecimal digits, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// How surely it came: 0, 1 or 2.
    pub qos: u8,
    /// It was kept from before.
    pub retained: bool,
    /// Who published it, where the broker knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The node that published it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}
