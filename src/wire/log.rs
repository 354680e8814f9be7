//! How the rows of data loggers travel between nodes: what is asked, and the lines of the answers.

use crate::api::form;
use mainstem_model::NodeId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::Hasher;

/// The feature of a node whose recorded rows can be read over links.
pub const FEATURE_LOGGERS: &str = "loggers";
/// The media type of rows as compressed columns.
pub const LOG_FRAMES: &str = "application/x-mainstem-rows";
/// Series asked for in one request for rows.
pub const LOG_WANTS_MAX: usize = 1024;
/// Rows of one series asked for in one request.
pub const LOG_WANT_ROWS_MAX: u64 = 64 << 10;
/// Bytes of one answer with rows, about.
pub const LOG_BYTES_MAX: u64 = 16 << 20;
/// Bytes of one frame of rows as columns; a longer one ends the answer.
pub const LOG_FRAME_BYTES_MAX: usize = 10 << 20;

/// What opens the watch of data loggers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogWatch {
    /// Patterns over the names of loggers and of their series; the first that fits decides.
    pub loggers: Vec<String>,
    /// Whether the answer goes on with what happens; otherwise it ends when all is told.
    #[serde(default = "yes")]
    pub follow: bool,
}

fn yes() -> bool {
    true
}

/// One series that can be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogSeries {
    /// Its number at the server, for this answer and for requests together with `key`.
    pub id: u32,
    /// The node that recorded it.
    pub origin: NodeId,
    /// The log in which that node recorded it.
    pub log: Uuid,
    /// Its name at its origin.
    pub logger: String,
    /// Its name at the server.
    pub name: String,
    /// The logger that it belongs to, by its name at the server.
    pub group: String,
    /// The datapoint, by its name at the server.
    pub datapoint: String,
    /// `range` or `counter`; other words count as `range`.
    pub kind: String,
    /// Which samples are kept.
    pub samples: String,
    /// Whether minutes are rolled up.
    #[serde(default)]
    pub minutes: bool,
    /// Where a counter begins with 0 again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulus: Option<f64>,
    /// The unit of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of its datapoint.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<String>,
    /// Whether it is recorded now, as far as the server knows.
    #[serde(default)]
    pub recording: bool,
}

impl LogSeries {
    /// What stands for the identity of the series in requests: a number means nothing in another
    /// store, and rows must never get into another series.
    pub fn key(&self) -> u64 {
        log_key(self.origin, self.log, &self.logger)
    }
}

/// What stands for the identity of a series.
pub fn log_key(origin: NodeId, log: Uuid, logger: &str) -> u64 {
    let (high, low) = origin.0.as_u64_pair();
    let (log_high, log_low) = log.as_u64_pair();
    let hasher = Hasher::new().word(high).word(low);
    let hasher = hasher.word(log_high).word(log_low).bytes(logger.as_bytes());
    hasher.end()
}

/// Ranges of row numbers, both ends included, in ascending order.
pub type LogRanges = Vec<(u64, u64)>;

/// A row: its number, time and time of receipt in microseconds, its value, its quality. A number
/// with a decimal point or an exponent is floating, one without is an integer; floating ones that
/// JSON has no number for are `{"f64": "<16 hexadecimal digits of its bits>"}`.
pub type LogRow = (u64, i64, Option<i64>, Box<RawValue>, u16);

/// Rows of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogRows {
    /// The series.
    pub id: u32,
    /// The rows, in the order of their numbers.
    pub r: Vec<LogRow>,
}

/// Rows that the server had and no longer has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGone {
    /// The series.
    pub id: u32,
    /// The first of their numbers.
    pub from: u64,
    /// The last of them.
    pub to: u64,
    /// Why, in a stable word: `retention`, `damage`, `restored`, `missing`; others count as that.
    pub cause: String,
    /// The node at which that happened.
    pub hop: NodeId,
    /// The time of the last row before them that the server has, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// The time of the first row behind them that the server has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
}

/// One line of an answer; it may have several members, and readers skip those they do not know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LogLine {
    /// Series that are new, or are described differently from before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<LogSeries>,
    /// Series that can no longer be read, by their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<u32>,
    /// Which rows of a series were stored at the server ever; what it no longer has is told when
    /// it is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub have: Vec<(u32, LogRanges)>,
    /// Rows that were stored just now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<LogRows>,
    /// Rows that the server no longer has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<LogGone>,
    /// The answer is complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

/// Rows of one series that are wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogWant {
    /// The series, by its number at the server.
    #[serde(deserialize_with = "form::small")]
    #[schema(format = "uint32", maximum = 4294967295u64)]
    pub id: u32,
    /// Its identity, so that a number of another store leads nowhere.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub key: u64,
    /// The first row wanted.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub from: u64,
    /// The last one.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub to: u64,
}

/// A request for rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogWants {
    /// Which, the most urgent first.
    pub want: Vec<LogWant>,
    /// Bytes that the answer may have, about: what does not fit is asked for again.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub bytes: u64,
}
