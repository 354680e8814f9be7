//! The options of an endpoint's operation (`subscribe:`, `read:` or `write:`).

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem};
use mainstem_model::{Access, Definition, Scalar, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;

mod parts;

use crate::plan::{Acquire, PointPlan, What};
use crate::section::in_range;

/// `subscribe:`, `read:` or `write:` of an endpoint of the kind `opcua`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The node: `ns=2;s=Line1.Speed`, with `i`, `s`, `g` or `b`; `nsu=<uri>` instead of `ns`.
    pub(crate) node_id: Option<String>,
    /// The node by its place instead: `/0:Objects/2:Line/2:Speed`.
    pub(crate) browse_path: Option<String>,
    /// What stands before `browsePath`, joined with `/`.
    pub(crate) browse_path_prefix: Option<String>,
    /// What the node is; `Variable` if absent, `Object` with `fields` or `eventTypes`.
    pub(crate) node_type: Option<NodeKind>,
    /// The object that a method is called on; the one that has it if absent.
    pub(crate) object_id: Option<String>,
    /// How long a method may take, in milliseconds; as any request if absent.
    pub(crate) call_timeout: Option<u64>,
    /// The fields of events, by their browse names.
    pub(crate) fields: Option<Vec<String>>,
    /// The types of events, subtypes included; all if absent.
    pub(crate) event_types: Option<Vec<String>>,
    /// The least severity of events.
    pub(crate) min_severity: Option<u64>,
    /// The number of the node's attribute; 13, the value, if absent.
    pub(crate) attribute_id: Option<u64>,
    /// The part of an array: `2`, `1:3`, `0:1,2:4`.
    pub(crate) index_range: Option<String>,
    /// How far a value has to move before it is sent.
    pub(crate) deadband: Option<f64>,
    /// Whether `deadband` is in the node's own unit or in per cent of its range.
    pub(crate) deadband_type: DeadbandType,
    /// What counts as a change.
    pub(crate) trigger: Option<Trigger>,
    /// How values of enumerations are shown.
    pub(crate) enumerations: Enumerations,
    /// How often the server sends what changed, in milliseconds. Endpoints with the same value
    /// share a subscription.
    pub(crate) publish_interval: u64,
    /// How often the server looks at the value, in milliseconds; as often as it publishes if
    /// absent, as fast as it can if 0.
    pub(crate) sampling_interval: Option<u64>,
    /// How many values the server keeps between two publications.
    pub(crate) queue_size: Option<u64>,
    /// Which value the server drops when that queue is full: the oldest or the newest.
    pub(crate) discard_oldest: bool,
    /// If given, the node is polled this often instead of subscribed.
    pub(crate) interval: Option<serde_json::Value>,
}

/// What a node is (part 3, 8.29).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum NodeKind {
    /// It sends events.
    Object,
    /// It has a value.
    Variable,
    /// It is called.
    Method,
}

/// What a deadband is measured in (part 4, 7.22.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum DeadbandType {
    /// The value's own unit.
    Absolute,
    /// Per cent of the property EURange.
    Percent,
}

/// What counts as a change (part 4, 7.22.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Trigger {
    /// Another status.
    Status,
    /// Another status or value.
    StatusValue,
    /// Another status, value or time stamp.
    StatusValueTimestamp,
}

/// How values of enumerations are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Enumerations {
    /// As they are.
    Number,
    /// By their names, as far as the server tells them.
    Name,
}

/// Values that the server keeps of a variable, and events.
const QUEUE: (u32, u32) = (1, 1000);

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            node_id: None,
            browse_path: None,
            browse_path_prefix: None,
            node_type: None,
            object_id: None,
            call_timeout: None,
            fields: None,
            event_types: None,
            min_severity: None,
            attribute_id: None,
            index_range: None,
            deadband: None,
            deadband_type: DeadbandType::Absolute,
            trigger: None,
            enumerations: Enumerations::Number,
            publish_interval: 1_000,
            sampling_interval: None,
            queue_size: None,
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
        let what = self.what(spec, &operation, problems);
        let types = match &what {
            Some(What::Value(_)) => declared(spec, pointer, problems),
            _ => Some(spec.value_type.unwrap_or(Scalar::Json.into())).map(|own| (own, own)),
        };
        if problems.len() > before {
            return None;
        }
        let (defined, raw) = types?;
        let what = what?;
        let plan = PointPlan {
            address: address?,
            value_type: raw,
            acquire: self.acquire(spec, &what),
            what,
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
        let queue_size = self.queue_size.unwrap_or(1);
        in_range(queue_size, 1..=10_000, &at("queueSize"), "", problems);
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

    fn acquire(&self, spec: &EndpointSpec, what: &What) -> Acquire {
        if spec.access == Access::Write {
            return Acquire::Never;
        }
        let is_event = matches!(what, What::Events(_));
        if matches!(what, What::Method(_)) {
            return Acquire::Answer;
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
            queue_size: match self.queue_size {
                Some(size) => u32::try_from(size).unwrap_or(1),
                None if is_event => QUEUE.1,
                None => QUEUE.0,
            },
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
