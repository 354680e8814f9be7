//! How long a request is held, and what its client is told when nobody answered.

use std::time::Duration;

use mainstem_model::quantity;

/// What the client of a held request is told when nobody answered in time.
pub const DEFAULT_TIMEOUT_MESSAGE: &str = "Request timed out while waiting for response";

/// How long a request is held, and what its client is told when nobody answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Transaction {
    /// The longest wait for a reply.
    #[serde(deserialize_with = "quantity::millis")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"],
        "duration" = {"min": "1ms", "max": "1h", "number": "milliseconds"}
    ))]
    pub timeout: Duration,
    /// The protocol's own code for a request that nobody answered in time: a status of HTTP; of
    /// OPC UA a status code, and `BadTimeout` where this is none.
    pub timeout_error_code: u32,
    /// The text for a request that nobody answered in time.
    #[schemars(length(max = 1024))]
    pub timeout_error_message: String,
}

impl Default for Transaction {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            timeout_error_code: 500,
            timeout_error_message: DEFAULT_TIMEOUT_MESSAGE.to_owned(),
        }
    }
}
