//! How long a request is held, and what its client is told when nobody answered.

use std::time::Duration;

use mainstem_model::{Name, quantity};

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
    /// Where the responder is: `here`, `above`, or `below:<remote>.<server node>`.
    #[schemars(with = "String", extend(
        "x-expected" = "`here`, `above`, or `below:` and the name of a server node below"
    ))]
    pub answered_by: AnsweredBy,
}

/// Where the responder of a server node is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum AnsweredBy {
    /// On this node's bus.
    #[default]
    Here,
    /// At a node above, which tells the request on its own bus or answers the event.
    Above,
    /// At the server node of a node below, by its name here.
    Below(Name),
}

impl TryFrom<String> for AnsweredBy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match (text.as_str(), text.strip_prefix("below:")) {
            ("here", _) => Ok(Self::Here),
            ("above", _) => Ok(Self::Above),
            (_, Some(name)) => Name::new(name)
                .map(Self::Below)
                .map_err(|error| format!("`{name}`: {error}")),
            _ => Err(format!("`{text}` is not `here`, `above` or `below:<name>`")),
        }
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            timeout_error_code: 500,
            timeout_error_message: DEFAULT_TIMEOUT_MESSAGE.to_owned(),
            answered_by: AnsweredBy::Here,
        }
    }
}
