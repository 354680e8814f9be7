//! What an adapter's page shows.

use std::time::Duration;

use mainstem_model::{Monotonic, Quality, Timestamp};

use super::desk::Desk;
use crate::{AdapterState, Cause, StatisticsSnapshot};

/// Rates are means over at least this long.
const RATE_SPAN_MIN: Duration = Duration::from_secs(5);

/// An adapter at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterView {
    /// Its name.
    pub name: String,
    /// Its kind's name.
    pub kind: &'static str,
    /// Its state.
    pub state: AdapterState,
    /// Why, unless it is online or switched off on purpose.
    pub cause: Option<Cause>,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When the next try is due.
    pub next_try: Option<Timestamp>,
    /// The trust in its source.
    pub quality: Quality,
    /// Its counters.
    pub statistics: StatisticsSnapshot,
    /// Requests per second, a mean over the time between two looks, at least five seconds.
    pub request_rate: f64,
    /// Delivered samples per second, likewise.
    pub sample_rate: f64,
    /// How many datapoints it has.
    pub points: usize,
    /// Its sub-sources.
    pub devices: Vec<DeviceView>,
}

/// A sub-source at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceView {
    /// Its name, below the adapter's.
    pub name: String,
    /// The trust in it, before that in the adapter.
    pub quality: Quality,
}

/// The counters at an earlier look.
pub(crate) struct RateMark {
    moment: Monotonic,
    requests: u64,
    samples: u64,
    request_rate: f64,
    sample_rate: f64,
}

impl RateMark {
    pub(super) fn new(moment: Monotonic) -> Self {
        Self {
            moment,
            requests: 0,
            samples: 0,
            request_rate: 0.0,
            sample_rate: 0.0,
        }
    }

    fn look(&mut self, now: Monotonic, statistics: &StatisticsSnapshot) -> (f64, f64) {
        let span = now.since(self.moment);
        if span >= RATE_SPAN_MIN {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate =
                |now: u64, before: u64| now.saturating_sub(before) as f64 / span.as_secs_f64();
            self.request_rate = rate(statistics.requests, self.requests);
            self.sample_rate = rate(statistics.samples, self.samples);
            (self.moment, self.requests) = (now, statistics.requests);
            self.samples = statistics.samples;
        }
        (self.request_rate, self.sample_rate)
    }
}

impl Desk {
    pub(super) fn view(&self) -> AdapterView {
        let standing = self.standing();
        let statistics = self.statistics.snapshot();
        let looked = self.rates.lock().look(self.clock.monotonic(), &statistics);
        let devices = self
            .devices
            .iter()
            .enumerate()
            .map(|(index, name)| DeviceView {
                name: name.clone(),
                quality: self.intake.quality(Some(index)),
            });
        AdapterView {
            name: self.name.to_string(),
            kind: self.kind.name,
            state: standing.state,
            cause: standing.cause,
            since: standing.since,
            next_try: standing.next_try,
            quality: self.intake.quality(None),
            statistics,
            request_rate: looked.0,
            sample_rate: looked.1,
            points: self.points(),
            devices: devices.collect(),
        }
    }
}
