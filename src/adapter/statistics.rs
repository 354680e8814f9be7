//! What an adapter's traffic looks like, for its page in the API.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

/// Round trips kept for the percentiles.
const ROUND_TRIPS_KEPT: usize = 512;
/// Different error codes counted apart; what comes beyond counts as `other`.
const ERROR_CODES_MAX: usize = 32;

/// The bounds of the histogram of round trips, in microseconds; beyond the last is one more class.
pub const ROUND_TRIP_BOUNDS_US: [u64; 13] = [
    500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000,
    30_000_000,
];

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
    connects: u64,
    classes: [u64; ROUND_TRIP_BOUNDS_US.len() + 1],
    total_us: u64,
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
    /// How often a session came up: one more than there were reconnects.
    pub connects: u64,
    /// Answered requests by the time that they took: up to each of [`ROUND_TRIP_BOUNDS_US`] and
    /// beyond the one before it, and last of all those beyond all of them.
    pub classes: [u64; ROUND_TRIP_BOUNDS_US.len() + 1],
    /// All round trips together.
    pub round_trips: Duration,
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
        inner.total_us = inner.total_us.saturating_add(u64::from(micros));
        let class = ROUND_TRIP_BOUNDS_US.partition_point(|bound| *bound < u64::from(micros));
        inner.classes[class] += 1;
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

    /// Counts a session that came up.
    pub(crate) fn connected(&self) {
        self.inner.lock().connects += 1;
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
            connects: inner.connects,
            classes: inner.classes,
            round_trips: Duration::from_micros(inner.total_us),
            errors: inner.errors.clone(),
            peer: inner.peer.clone(),
            round_trip_p50: at(50),
            round_trip_p99: at(99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ROUND_TRIP_BOUNDS_US, Statistics};
    use std::time::Duration;

    #[test]
    fn round_trips_fall_into_classes_with_their_bounds() {
        let statistics = Statistics::default();
        for micros in [0, 500, 501, 30_000_000, 30_000_001, u64::MAX] {
            statistics.answered(Duration::from_micros(micros));
        }
        let seen = statistics.snapshot();
        let last = ROUND_TRIP_BOUNDS_US.len();
        assert_eq!(
            (
                seen.classes[0],
                seen.classes[1],
                seen.classes[last - 1],
                seen.classes[last]
            ),
            (2, 1, 1, 2)
        );
        assert_eq!(seen.classes.iter().sum::<u64>(), seen.requests);
        assert!(seen.round_trips > Duration::from_secs(60));
    }
}
