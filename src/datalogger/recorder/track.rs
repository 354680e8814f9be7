//! The datapoints that are recorded now.

use std::collections::{BTreeSet, HashMap};

use mainstem_model::{Name, Quality, Timestamp};
use mainstem_store::{PointId, PointView};

use super::sampler::{Kept, Sampler, Told};
use crate::{Row, SeriesId};

/// One logger of one datapoint.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) name: Name,
    pub(crate) series: SeriesId,
    pub(crate) sampler: Sampler,
    /// The number of its next row.
    pub(crate) next: u64,
    /// For those kept by interval: microseconds.
    pub(crate) interval: Option<i64>,
}

/// Everything that is recorded, by datapoint.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    by_point: HashMap<PointId, Vec<Track>>,
    /// The intervals that there are.
    pub(crate) intervals: BTreeSet<i64>,
}

impl Track {
    pub(crate) fn row(&mut self, kept: Kept, received: i64) -> Row {
        let row = self.next;
        self.next += 1;
        Row {
            series: self.series,
            row,
            time: kept.time,
            received: (received != kept.time).then_some(received),
            value: kept.value,
            quality: kept.quality.code(),
        }
    }
}

impl Tracks {
    pub(crate) fn is_tracked(&self, point: PointId) -> bool {
        self.by_point.contains_key(&point)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_point.is_empty()
    }

    pub(crate) fn points(&self) -> Vec<PointId> {
        self.by_point.keys().copied().collect()
    }

    /// The number of the next row of a series, if it is recorded now.
    pub(crate) fn next(&self, series: SeriesId) -> Option<u64> {
        let mut tracks = self.by_point.values().flatten();
        let found = tracks.find(|track| track.series == series);
        found.map(|track| track.next)
    }

    /// Goes on with another number. Returns whether the series is recorded now.
    pub(crate) fn set_next(&mut self, series: SeriesId, next: u64) -> bool {
        let mut tracks = self.by_point.values_mut().flatten();
        let found = tracks.find(|track| track.series == series);
        found.map(|track| track.next = next).is_some()
    }

    pub(crate) fn add(&mut self, point: PointId, track: Track) {
        self.intervals.extend(track.interval);
        self.by_point.entry(point).or_default().push(track);
    }

    /// Takes a datapoint out; nothing is known of it from here on.
    pub(crate) fn remove(
        &mut self,
        point: PointId,
        (quality, now): (Quality, Timestamp),
        out: &mut Vec<Row>,
    ) -> Vec<Track> {
        self.end(point, quality, now.micros(), now, out);
        self.by_point.remove(&point).unwrap_or_default()
    }

    /// A change.
    pub(crate) fn sample(
        &mut self,
        point: PointId,
        told: Told<'_>,
        now: Timestamp,
        out: &mut Vec<Row>,
    ) {
        for track in self.by_point.get_mut(&point).into_iter().flatten() {
            if let Some(kept) = track.sampler.sample(told) {
                out.push(track.row(kept, now.micros()));
            }
        }
    }

    /// What is so now, which is no change.
    pub(crate) fn now(&mut self, view: &PointView, now: Timestamp, out: &mut Vec<Row>) {
        let told = Told {
            time: view.source_time.micros(),
            value: view.value.as_ref(),
            quality: view.quality,
        };
        for track in self.by_point.get_mut(&view.id).into_iter().flatten() {
            if let Some(kept) = track.sampler.now(told, now.micros()) {
                out.push(track.row(kept, now.micros()));
            }
        }
    }

    /// Nothing is known of a datapoint from a moment on. Returns how many series that ended.
    pub(crate) fn end(
        &mut self,
        point: PointId,
        quality: Quality,
        at: i64,
        now: Timestamp,
        out: &mut Vec<Row>,
    ) -> u64 {
        let before = out.len();
        for track in self.by_point.get_mut(&point).into_iter().flatten() {
            if let Some(kept) = track.sampler.end(quality, at) {
                out.push(track.row(kept, now.micros()));
            }
        }
        (out.len() - before) as u64
    }

    /// The values at a multiple of an interval.
    pub(crate) fn tick(&mut self, interval: i64, at: i64, now: Timestamp, out: &mut Vec<Row>) {
        for track in self.by_point.values_mut().flatten() {
            if track.interval == Some(interval)
                && let Some(kept) = track.sampler.tick(at)
            {
                out.push(track.row(kept, now.micros()));
            }
        }
    }
}
