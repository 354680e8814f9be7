//! What the runner has to do with a datapoint's readings, gathered from its endpoint.

use std::time::Duration;

use mainstem_model::ValueType;

use crate::{AdapterSpec, Built, Scaling, TimePolicy};

/// The treatment of one datapoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) value_type: ValueType,
    pub(crate) scaling: Option<Scaling>,
    pub(crate) time: Option<TimePolicy>,
    pub(crate) device: Option<usize>,
    pub(crate) stale_after: Option<Duration>,
    pub(crate) life: Option<Duration>,
}

/// The rules of all datapoints, by [`crate::PointId`].
pub(crate) fn rules(spec: &AdapterSpec, built: &Built) -> Box<[Rule]> {
    let rule = |point: &crate::Point| {
        let endpoint = point.endpoint.and_then(|index| spec.endpoints.get(index));
        Rule {
            value_type: point.definition.value_type,
            scaling: endpoint.and_then(|endpoint| endpoint.scaling),
            time: endpoint.and_then(|endpoint| endpoint.time),
            device: point.device.filter(|&device| device < built.devices.len()),
            stale_after: endpoint.and_then(|endpoint| endpoint.stale_after),
            life: endpoint.and_then(|endpoint| endpoint.life),
        }
    };
    built.points.iter().map(rule).collect()
}
