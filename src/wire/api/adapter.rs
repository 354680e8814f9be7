//! Adapters.

use std::collections::BTreeMap;

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One adapter at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdapterDocument {
    /// Its name.
    pub name: String,
    /// Its kind, such as `modbus`.
    pub kind: String,
    /// `connecting`, `online`, `waiting`, `refused`, `misconfigured`, `paused` or `stopped`.
    pub state: String,
    /// Why, unless it is online or switched off on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseDocument>,
    /// Since when it is in this state.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the next try is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
    /// The address that is used now, where there are several: the active one of redundant servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// `good`, `uncertain` or `bad`, and why.
    pub quality: String,
    /// The stable word of the quality's reason.
    pub reason: String,
    /// Datapoints.
    pub points: u64,
    /// Rates, counters and round trips.
    pub rates: AdapterRates,
    /// Devices behind it that have a state of their own.
    pub devices: Vec<DeviceDocument>,
}

/// Why something does not work.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CauseDocument {
    /// A stable word.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
}

/// What an adapter's traffic looks like.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdapterRates {
    /// Requests to the device since the start.
    pub requests: u64,
    /// Samples delivered since the start.
    pub samples: u64,
    /// Writes since the start.
    pub writes: u64,
    /// Polls that could not begin in time.
    pub overruns: u64,
    /// Requests per second.
    pub request_rate: f64,
    /// Samples per second.
    pub sample_rate: f64,
    /// The last round trips.
    pub round_trip: RoundTrip,
    /// Errors by code.
    pub errors: BTreeMap<String, u64>,
}

/// Round trips in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct RoundTrip {
    /// The median.
    pub p50: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
}

/// A device behind an adapter.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceDocument {
    /// Its name below the adapter's.
    pub name: String,
    /// How far it can be trusted.
    pub status: String,
    /// Why not further.
    pub reason: String,
}

/// One frame of an adapter's wire.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TraceFrameDocument {
    /// When it passed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `sent`, `received`, or `note` for what is no frame.
    pub direction: String,
    /// What it means.
    pub text: String,
    /// How many bytes it has.
    pub length: u64,
    /// Its bytes as hex digits, at most 1,024 of them; none where a library keeps them to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// Frames left out before this one, because the reader or the network was slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}
