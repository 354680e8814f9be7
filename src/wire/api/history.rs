//! Completeness of data loggers: gaps, imports, edits, comparisons.

use super::form;
use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where nothing is known, or rows are missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GapDocument {
    /// The number of the record; not there for a gap that the rows themselves tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The name of the series.
    pub series: String,
    /// Not before.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Before; not there while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// The first row number that is missing, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_row: Option<u64>,
    /// The last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_row: Option<u64>,
    /// Why: `retention`, `damage`, `not_recorded`, `restored`, `missing`, or the reason of the row
    /// that tells it.
    pub cause: String,
    /// The node at which it came about: its UUID.
    pub hop: String,
    /// `open`, `healing`, `healed` or `permanent`.
    pub state: String,
    /// When it was found; for a gap that rows tell, when its row was received.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportDocument {
    /// Lines read, headings and empty ones included.
    pub lines: u64,
    /// Samples stored, or that would be stored.
    pub stored: u64,
    /// Samples that were there already.
    pub known: u64,
    /// Lines that are no samples.
    pub wrong: u64,
    /// The first of them.
    pub wrong_lines: Vec<WrongLine>,
    /// Whether nothing was stored because it was only a trial.
    pub dry_run: bool,
}

/// A line that is no sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WrongLine {
    /// Its number; the first one is 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A new version of a stretch of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// Not before.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Before.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// What it is to be there; nothing takes the samples out.
    #[serde(default)]
    pub rows: Vec<EditRow>,
    /// Why. It stays with the edit.
    pub reason: String,
}

/// One sample of an edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRow {
    /// When it was so.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// The value; none where nothing is known from then on.
    pub value: serde_json::Value,
    /// `good`, `uncertain` or `bad`; `good` unless given, and `bad` without a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// The reason for that quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An edit that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EditDocument {
    /// Its row number: rows with lower numbers are superseded in its stretch.
    pub version: u64,
    /// Not before.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Before.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who made it, and why.
    pub note: String,
}

/// What is to be compared with the next level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// Not before; everything unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Before; the hour that is open is left out unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// Whether missing rows are fetched.
    #[serde(default)]
    pub heal: bool,
}

/// What a comparison of one series found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifyDocument {
    /// The name of the series here.
    pub id: String,
    /// `equal`, `differs`, `healed`, `own` (it was recorded here: there is nothing to compare with),
    /// or `unreachable`.
    pub state: String,
    /// The remote with which it was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Why it could not be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Hours compared.
    pub hours: u64,
    /// Rows in the hours that are equal.
    pub rows: u64,
    /// Hours that differ; of many only the first.
    pub differing: Vec<VerifyHour>,
    /// Whether there are more of them than are listed.
    #[serde(default)]
    pub more: bool,
}

/// An hour that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifyHour {
    /// Its beginning.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// Rows here and there.
    pub rows_here: u64,
    /// Rows at the remote.
    pub rows_there: u64,
    /// Rows that are there and not here.
    pub missing: u64,
    /// Rows that are here and were never there.
    pub too_many: u64,
    /// Rows of the same number that are not the same.
    pub different: u64,
    /// Rows that are here and no longer there: that is no fault.
    pub kept_longer: u64,
    /// Rows that are there and were deleted here by retention: that is no fault either.
    pub let_go: u64,
    /// Rows that were fetched.
    pub healed: u64,
}

/// Which hours of a series a neighbour wants to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkSums {
    /// The node that recorded the series: its UUID.
    pub origin: String,
    /// The log in which it did: a UUID.
    pub log: String,
    /// The name of the series at its origin.
    pub logger: String,
    /// Not before, in microseconds.
    #[serde(deserialize_with = "form::signed")]
    pub from: i64,
    /// Before, in microseconds.
    #[serde(deserialize_with = "form::signed")]
    pub to: i64,
    /// `hours`: what the hours come to; `samples`: the samples of the stretch in the order of time;
    /// `edits`: every edit; `numbers`: the rows from number `after` + 1 to `last`.
    pub what: String,
    /// Behind this row number; for samples, behind it at the time `from`.
    #[serde(default, deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub after: u64,
    /// Up to this row number; for `numbers` only.
    #[serde(default, deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub last: u64,
}

/// Hours of a series, or its rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LinkSumsDocument {
    /// Beginning in microseconds, rows, and the sum of their hashes as 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub hours: Vec<(i64, u64, String)>,
    /// The rows that were asked for, as they travel between nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<crate::LogRow>,
    /// Whether there is more behind the last one.
    #[serde(default)]
    pub more: bool,
    /// The lowest row number that is held there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<u64>,
    /// Up to which number every row was stored there.
    pub watermark: u64,
}
