//! `GET /api/v1/node`.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeDocument {
    /// The node's UUID.
    pub id: String,
    /// Its name, a label only.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The version of the program.
    pub version: String,
    /// The version of the protocol between nodes.
    pub protocol: u32,
    /// What it does: `concentrator`, `adapters`.
    pub roles: Vec<String>,
    /// The fingerprint of its key, by which neighbours recognise it.
    pub pin: String,
    /// The running copy of the node, hexadecimal.
    pub instance: String,
    /// The life of its feed.
    pub epoch: String,
    /// When it was started, by its wall clock.
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// Seconds since the start.
    pub uptime: f64,
    /// What its wall clock shows.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// Its feed in numbers.
    pub feed: FeedDocument,
}

/// The feed of a node in numbers, since its start.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct FeedDocument {
    /// Datapoints known.
    pub points: u64,
    /// Sources known.
    pub sources: u64,
    /// The last entry's number.
    pub head: u64,
    /// The oldest entry kept.
    pub first: u64,
    /// Entries evicted.
    pub evicted: u64,
    /// Bytes of the log in memory.
    pub log_bytes: u64,
    /// Readers of changes at this moment.
    pub readers: u64,
    /// Streams that began with a snapshot.
    pub snapshots: u64,
    /// Streams and polls that went on behind a cursor.
    pub resumes: u64,
    /// Rows written to streams.
    pub rows: u64,
    /// Gaps told to readers that fell behind the log.
    pub gaps: u64,
    /// Entries that slow readers did not get.
    pub missed: u64,
}
