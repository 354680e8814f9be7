//! How the data loggers of remotes are replicated, as documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the data loggers of a remote are replicated now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RemoteLoggersDocument {
    /// `waiting not_supported failed catching_up live held_up`.
    pub state: String,
    /// Why, where it is not live, or what is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Series that are replicated.
    pub series: u64,
    /// Rows that the remote has and that are not here.
    pub lag: u64,
    /// For how long there have been any, in seconds, of the series with the longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
    /// Rows that came in over the connection that is open.
    pub rows: u64,
    /// Those of them that had just been recorded.
    pub live: u64,
    /// Rows that will never come, since the remote no longer had them.
    pub gone: u64,
    /// Bytes of rows that came since the start.
    pub bytes: u64,
}

/// How one series of a remote stands here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplicatedLoggerDocument {
    /// Its name at the remote.
    pub name: String,
    /// Up to which row everything is here.
    pub watermark: u64,
    /// The last row that the remote has.
    pub last: u64,
    /// Rows that the remote has and that are not here.
    pub lag: u64,
    /// For how long there have been any, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
}
