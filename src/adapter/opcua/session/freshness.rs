//! After a change to another server of a redundant set: values that are older than what is known
//! already are kept back until that server has caught up, for a while at the most.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_adapter::{PointId, Reading};
use mainstem_model::Timestamp;
use tokio::time::Instant;

/// How long a server that takes over may need to catch up. Then what it says is the truth, even if
/// its clock is behind that of the other one.
const SETTLE: Duration = Duration::from_secs(10);

/// The source times of the last values, and what is kept back.
pub(super) struct Freshness {
    last: Vec<Option<Timestamp>>,
    // One reading per datapoint: the last one.
    held: BTreeMap<PointId, Reading>,
    until: Option<Instant>,
}

impl Freshness {
    /// For so many datapoints.
    pub(super) fn new(points: usize) -> Self {
        Self {
            last: vec![None; points],
            held: BTreeMap::new(),
            until: None,
        }
    }

    /// Another server has taken over.
    pub(super) fn switched(&mut self, now: Instant) {
        self.held.clear();
        self.until = Some(now + SETTLE);
    }

    /// When [`Self::pass`] has to be called even if there is no reading.
    pub(super) fn due(&self) -> Option<Instant> {
        self.until.filter(|_| !self.held.is_empty())
    }

    /// Takes out of the readings what is older than what was passed on before.
    pub(super) fn pass(&mut self, readings: &mut Vec<Reading>, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            let late = std::mem::take(&mut self.held);
            // What arrives now is newer than what was kept back.
            readings.splice(0..0, late.into_values());
        }
        if self.until.is_some() {
            readings.retain(|reading| {
                let is_old = self.is_old(reading);
                if is_old {
                    self.held.insert(reading.point, reading.clone());
                } else {
                    self.held.remove(&reading.point);
                }
                !is_old
            });
        }
        for reading in readings.iter().filter(|reading| reading.value.is_some()) {
            if let Some(last) = self.last.get_mut(reading.point.0 as usize) {
                *last = reading.source_time.max(*last);
            }
        }
    }

    // A server that takes over may still wait for its own first values.
    fn is_old(&self, reading: &Reading) -> bool {
        let last = self.last.get(reading.point.0 as usize).copied().flatten();
        let Some(last) = last else { return false };
        reading.value.is_none() || reading.source_time.is_some_and(|time| time < last)
    }
}

#[cfg(test)]
mod tests {
    use mainstem_model::{Quality, Reason, Value};

    use super::*;

    fn value(point: u32, number: f64, time: i64) -> Reading {
        Reading {
            point: PointId(point),
            value: Some(Value::F64(number)),
            quality: Quality::GOOD,
            source_time: Some(Timestamp::from_micros(time)),
        }
    }

    #[test]
    fn nothing_older_passes_until_the_new_server_has_caught_up() {
        let start = Instant::now();
        let mut freshness = Freshness::new(2);
        let pass = |freshness: &mut Freshness, mut readings: Vec<Reading>, now| {
            freshness.pass(&mut readings, now);
            readings
        };
        let first = vec![value(0, 1.0, 100), value(1, 2.0, 100)];
        assert_eq!(pass(&mut freshness, first.clone(), start), first);
        // Without a change of servers everything passes: a device's clock may step.
        let stepped = vec![value(0, 1.5, 90)];
        assert_eq!(pass(&mut freshness, stepped.clone(), start), stepped);

        freshness.switched(start);
        assert_eq!(freshness.due(), None);
        let waiting = Reading::failed(PointId(1), Reason::Waiting);
        let old = vec![value(0, 0.5, 50), waiting.clone()];
        assert_eq!(pass(&mut freshness, old, start), []);
        assert_eq!(freshness.due(), Some(start + SETTLE));
        let caught_up = vec![value(0, 3.0, 100)];
        assert_eq!(pass(&mut freshness, caught_up.clone(), start), caught_up);

        // In the end the server is believed.
        let late = start + SETTLE;
        assert_eq!(pass(&mut freshness, Vec::new(), late), [waiting]);
        assert_eq!(freshness.due(), None);
        let old = vec![value(0, 0.5, 50)];
        assert_eq!(pass(&mut freshness, old.clone(), late), old);
    }

    #[test]
    fn what_was_never_read_is_not_kept_back() {
        let start = Instant::now();
        let mut freshness = Freshness::new(1);
        freshness.switched(start);
        let mut readings = vec![Reading::failed(PointId(0), Reason::BadAddress)];
        freshness.pass(&mut readings, start);
        assert_eq!(readings.len(), 1);
    }
}
