//! What the runner has to do with a datapoint's readings, gathered from its endpoint.

use std::time::Duration;

use mainstem_model::{Access, ValueType};

use crate::{AdapterSpec, Built, PointId, Scaling, TimePolicy};

/// A datapoint has so many of its intervals for its first reading in a session.
const FIRST_WORD_INTERVALS: u32 = 2;
/// It has at least this long, and this long where nobody knows an interval: the first polls of a
/// session wait for each other.
const FIRST_WORD_MIN: Duration = Duration::from_secs(2);
/// It has no longer than this: every kind reads everything when a session begins, and a datapoint
/// that is due once an hour must not keep the others uncertain for two.
const FIRST_WORD_MAX: Duration = Duration::from_secs(60);

/// The treatment of one datapoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) value_type: ValueType,
    pub(crate) scaling: Option<Scaling>,
    pub(crate) time: Option<TimePolicy>,
    pub(crate) device: Option<usize>,
    /// Whether the device is expected to tell it.
    pub(crate) is_readable: bool,
    /// How long its first reading in a session may take.
    pub(crate) first_word_within: Duration,
    pub(crate) stale_after: Option<Duration>,
    pub(crate) life: Option<Duration>,
}

/// The rules of all datapoints, by [`crate::PointId`].
pub(crate) fn rules(spec: &AdapterSpec, built: &Built) -> Box<[Rule]> {
    let rule = |(index, point): (u32, &crate::Point)| {
        let endpoint = point.endpoint.and_then(|index| spec.endpoints.get(index));
        let interval = endpoint.and_then(|endpoint| endpoint.interval);
        let interval = interval.or_else(|| built.adapter.interval(PointId(index)));
        Rule {
            value_type: point.definition.value_type,
            scaling: endpoint.and_then(|endpoint| endpoint.scaling),
            time: endpoint.and_then(|endpoint| endpoint.time),
            device: point.device.filter(|&device| device < built.devices.len()),
            is_readable: point.definition.access != Access::Write,
            first_word_within: first_word_within(interval),
            stale_after: endpoint.and_then(|endpoint| endpoint.stale_after),
            life: endpoint.and_then(|endpoint| endpoint.life),
        }
    };
    (0..).zip(&built.points).map(rule).collect()
}

/// How long the first reading of a datapoint with this interval may take.
fn first_word_within(interval: Option<Duration>) -> Duration {
    let wanted = interval
        .unwrap_or_default()
        .saturating_mul(FIRST_WORD_INTERVALS);
    wanted.clamp(FIRST_WORD_MIN, FIRST_WORD_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_has_two_intervals_within_bounds() {
        let within = |millis| first_word_within(Some(Duration::from_millis(millis)));
        assert_eq!(first_word_within(None), Duration::from_secs(2));
        assert_eq!(within(10), Duration::from_secs(2));
        assert_eq!(within(5_000), Duration::from_secs(10));
        assert_eq!(within(86_400_000), Duration::from_secs(60));
    }
}
