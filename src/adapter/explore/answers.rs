//! Gathers the first reading of each datapoint of a session.

use std::sync::Arc;

use mainstem_model::{Clock, Quality, Reason, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{Output, Point, PointId, Reading};

/// A reading and when it came.
pub(super) type First = (Reading, Timestamp);

/// The session's output: the first word on each datapoint counts.
pub(super) struct Answers {
    clock: Arc<dyn Clock>,
    /// The sub-source of each datapoint.
    devices: Vec<Option<usize>>,
    first: Mutex<Vec<Option<First>>>,
    /// Told once nothing is missing.
    pub(super) complete: Notify,
}

impl Answers {
    pub(super) fn new(points: &[Point], clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            devices: points.iter().map(|point| point.device).collect(),
            first: Mutex::new(vec![None; points.len()]),
            complete: Notify::new(),
        }
    }

    pub(super) fn take(&self) -> Vec<Option<First>> {
        std::mem::take(&mut *self.first.lock())
    }

    fn put(&self, readings: impl Iterator<Item = Reading>) {
        let now = self.clock.now();
        let mut first = self.first.lock();
        for reading in readings {
            // A word about waiting is none about the value.
            let waits = reading.quality.reason == Reason::Waiting;
            if let Some(place) = first.get_mut(reading.point.0 as usize)
                && place.is_none()
                && !waits
            {
                *place = Some((reading, now));
            }
        }
        if first.iter().all(Option::is_some) {
            self.complete.notify_one();
        }
    }
}

impl Output for Answers {
    fn online(&self) {}

    fn emit(&self, readings: &mut Vec<Reading>) {
        self.put(readings.drain(..));
    }

    fn device(&self, device: usize, quality: Quality) {
        if quality.is_good() {
            return;
        }
        let failed = |(index, of): (u32, &Option<usize>)| {
            (*of == Some(device)).then(|| Reading::failed(PointId(index), quality.reason))
        };
        self.put((0..).zip(&self.devices).filter_map(failed));
    }
}
