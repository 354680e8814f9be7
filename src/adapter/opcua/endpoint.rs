//! The options of an endpoint's operation (`subscribe:`, `read:` or `write:`).

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem};
use mainstem_model::{Access, Definition, Scalar, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::node_address::NodeAddress;
use crate::plan::{Acquire, PointPlan};
use crate::section::in_range;

/// `subscribe:`, `read:` or `write:` of an endpoint of the kind `opcua`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The node: `ns=2;s=Line1.Speed`, with `i`, `s`, `g` or `b`; `nsu=<uri>` instead of `ns`.
    pub(crate) node_id: Option<String>,
    /// How often the server sends what changed, in milliseconds. Endpoints with the same value
    /// share a subscription.
    pub(crate) publish_interval: u64,
    /// How often the server looks at the value, in milliseconds; as often as it publishes if
    /// absent, as fast as it can if 0.
    pub(crate) sampling_interval: Option<u64>,
    /// How many values the server keeps between two publications.
    pub(crate) queue_size: u64,
    /// Which value the server drops when that queue is full: the oldest or the newest.
    pub(crate) discard_oldest: bool,
    /// If given, the node is polled this often instead of subscribed.
    pub(crate) interval: Option<serde_json::Value>,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            node_id: None,
            publish_interval: 1_000,
            sampling_interval: None,
            queue_size: 1,
            discard_oldest: true,
            interval: None,
        }
    }
}

impl EndpointConfig {
    /// Checks the endpoint and gives its definition and plan if nothing is wrong.
    pub(crate) fn plan(
        &self,
        spec: &EndpointSpec,
        pointer: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<(Definition, PointPlan)> {
        let before = problems.len();
        let operation = format!("{pointer}/operation");
        self.check_numbers(spec, pointer, &operation, problems);
        let address = self.address(&operation, problems);
        let types = declared(spec, pointer, problems);
        if problems.len() > before {
            return None;
        }
        let (defined, raw) = types?;
        let plan = PointPlan {
            address: address?,
            value_type: raw,
            acquire: self.acquire(spec),
            writable: spec.access.is_writable(),
            stale_after: spec.stale_after,
        };
        let mut definition = Definition::new(defined)
            .unit(spec.unit.as_deref().unwrap_or_default())
            .description(spec.description.as_deref().unwrap_or_default());
        definition.access = spec.access;
        definition.limits = spec.limits;
        Some((definition, plan))
    }

    fn check_numbers(
        &self,
        spec: &EndpointSpec,
        pointer: &str,
        operation: &str,
        problems: &mut Vec<Problem>,
    ) {
        let ms = " (milliseconds)";
        let at = |name: &str| format!("{operation}/{name}");
        in_range(
            self.publish_interval,
            10..=86_400_000,
            &at("publishInterval"),
            ms,
            problems,
        );
        let sampling = self.sampling_interval.unwrap_or(0);
        in_range(
            sampling,
            0..=86_400_000,
            &at("samplingInterval"),
            ms,
            problems,
        );
        in_range(self.queue_size, 1..=10_000, &at("queueSize"), "", problems);
        if self.interval.is_some() && spec.interval.is_none() {
            problems.push(Problem::new(
                at("interval"),
                "this is no interval",
                "a duration such as 500ms, or whole milliseconds",
            ));
        }
        if spec
            .interval
            .is_some_and(|interval| interval < Duration::from_millis(10))
        {
            problems.push(Problem::new(
                format!("{pointer}/interval"),
                "polled too often",
                "at least 10 ms",
            ));
        }
    }

    fn address(&self, operation: &str, problems: &mut Vec<Problem>) -> Option<NodeAddress> {
        let pointer = format!("{operation}/nodeId");
        let expected = "a node id such as ns=2;s=Line1.Speed (i, s, g or b)";
        let Some(text) = &self.node_id else {
            problems.push(Problem::new(pointer, "the node is missing", expected));
            return None;
        };
        match text.parse() {
            Ok(address) => Some(address),
            Err(error) => {
                problems.push(Problem::new(
                    pointer,
                    format!("{text:?}: {error}"),
                    expected,
                ));
                None
            }
        }
    }

    fn acquire(&self, spec: &EndpointSpec) -> Acquire {
        if spec.access == Access::Write {
            return Acquire::Never;
        }
        if let Some(interval) = spec.interval {
            return Acquire::Poll(interval);
        }
        Acquire::Subscribe {
            publish: Duration::from_millis(self.publish_interval),
            // The same number as the publishing interval, not the -1 that means it: some servers
            // stamp the samples of the latter with the time of the first.
            sampling: Duration::from_millis(
                self.sampling_interval.unwrap_or(self.publish_interval),
            ),
            queue_size: u32::try_from(self.queue_size).unwrap_or(1),
            discard_oldest: self.discard_oldest,
        }
    }
}

// The type of the datapoint, and the type that the runner wants raw. Without I/O nobody knows
// what a node holds, so the file has to say; with scaling the raw value is a float.
fn declared(
    spec: &EndpointSpec,
    pointer: &str,
    problems: &mut Vec<Problem>,
) -> Option<(ValueType, ValueType)> {
    let float = ValueType::from(Scalar::F64);
    match (spec.value_type, spec.scaling) {
        (Some(declared), None) => Some((declared, declared)),
        (None, Some(_)) => Some((float, float)),
        (Some(declared), Some(_)) if declared.scalar.is_numeric() && !declared.array => {
            Some((declared, float))
        }
        (Some(declared), Some(_)) => {
            problems.push(Problem::new(
                format!("{pointer}/type"),
                format!("{declared} cannot be scaled"),
                "a single number type, or no scaling",
            ));
            None
        }
        (None, None) => {
            problems.push(Problem::new(
                format!("{pointer}/type"),
                "the type is missing, and a node id does not tell it",
                "one of bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 text bytes time json, or an \
                 array of them such as f64[]",
            ));
            None
        }
    }
}
