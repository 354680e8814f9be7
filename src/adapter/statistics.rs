//! What an adapter's traffic looks like, for its page in the API.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

/// Round trips kept for the percentiles.
const ROUND_TRIPS_KEPT: usize = 512;
/// Different error codes counted apart; what comes beyond counts as `other`.
const ERROR_CODES_MAX: usize = 32;

/// Counters of one adapter. Shared between the adapter, its runner and the API.
#[derive(Debug, Default)]
pub struct Statistics {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: u64,
    samples: u64,
    writes: u64,
    overruns: u64,
    errors: BTreeMap<&'static str, u64>,
    peer: Option<String>,
    round_trips_us: Vec<u32>,
    next: usize,
}

/// The counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatisticsSnapshot {
    /// Requests sent to the device.
    pub requests: u64,
    /// Samples delivered.
    pub samples: u64,
    /// Writes carried out or refused by the device.
    pub writes: u64,
    /// Polls that began late because the one before had not ended.
    pub overruns: u64,
    /// Errors by code.
    pub errors: BTreeMap<&'static str, u64>,
    /// The address that is used now, where there are several.
    pub peer: Option<String>,
    /// Median of the last round trips.
    pub round_trip_p50: Option<Duration>,
    /// 99th percentile of the last round trips.
    pub round_trip_p99: Option<Duration>,
}

impl Statistics {
    /// Counts a request that was answered, and how long it took.
    pub fn answered(&self, round_trip: Duration) {
        let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
        let mut inner = self.inner.lock();
        inner.requests += 1;
        if inner.round_trips_us.len() < ROUND_TRIPS_KEPT {
            inner.round_trips_us.push(micros);
        } else {
            let next = inner.next;
            inner.round_trips_us[next] = micros;
        }
        inner.next = (inner.next + 1) % ROUND_TRIPS_KEPT;
    }

    /// Counts an error under its stable code.
    pub fn failed(&self, code: &'static str) {
        self.failed_times(code, 1);
    }

    /// Counts so many errors under their stable code.
    pub fn failed_times(&self, code: &'static str, times: u64) {
        let mut inner = self.inner.lock();
        let known = inner.errors.contains_key(code) || inner.errors.len() < ERROR_CODES_MAX;
        *inner
            .errors
            .entry(if known { code } else { "other" })
            .or_default() += times;
    }

    /// Says which of several addresses is used from now on.
    pub fn uses(&self, peer: &str) {
        self.inner.lock().peer = Some(peer.to_owned());
    }

    /// Counts polls that could not begin in time.
    pub fn overrun(&self, missed: u64) {
        self.inner.lock().overruns += missed;
    }

    /// Counts delivered samples.
    pub fn delivered(&self, samples: usize) {
        self.inner.lock().samples += samples as u64;
    }

    /// Counts a write that reached the device.
    pub fn wrote(&self) {
        self.inner.lock().writes += 1;
    }

    /// The counters now.
    pub fn snapshot(&self) -> StatisticsSnapshot {
        let inner = self.inner.lock();
        let mut sorted = inner.round_trips_us.clone();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let index = (sorted.len().saturating_sub(1)) * percent / 100;
            sorted
                .get(index)
                .map(|&us| Duration::from_micros(u64::from(us)))
        };
        StatisticsSnapshot {
            requests: inner.requests,
            samples: inner.samples,
            writes: inner.writes,
            overruns: inner.overruns,
            errors: inner.errors.clone(),
            peer: inner.peer.clone(),
            round_trip_p50: at(50),
            round_trip_p99: at(99),
        }
    }
}
