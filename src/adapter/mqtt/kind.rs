//! The kind's row in the registry, and how it turns configuration into an adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem};
use schemars::schema_for;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{Connection, Operation};
use crate::explore::MqttExplore;
use crate::plan::{BrokerPlan, FILTERS_MAX, Plan, PointPlan};
use crate::session::MqttAdapter;

/// The adapter kind `Mqtt`.
pub const KIND: Kind = Kind {
    name: "Mqtt",
    summary: "A client of any MQTT broker, 3.1.1 or 5: topics to datapoints, writes to topics.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schema_for!(Connection).to_value(),
    endpoint_schema: || schema_for!(Operation).to_value(),
    build,
    explore: Some(&MqttExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let broker = read::<Connection>(&spec.connection, "/connection", &mut problems)
        .and_then(|connection| BrokerPlan::new(connection, spec, &mut problems));
    let (mut points, mut plans) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let at = format!("/endpoints/{index}/operation");
        let mut given = endpoint.operation.clone();
        if let Some(fields) = given.as_object_mut() {
            // Nothing is polled here.
            fields.remove("interval");
        }
        let operation = read::<Operation>(&given, &at, &mut problems);
        let planned =
            operation.and_then(|operation| PointPlan::new(operation, endpoint, &at, &mut problems));
        if let Some(plan) = planned {
            points.push(Point {
                name: endpoint.name.clone(),
                definition: endpoint.definition(plan.raw),
                endpoint: Some(index),
                device: None,
            });
            plans.push(plan);
        }
    }
    if plans.len() > FILTERS_MAX {
        let message = format!("{} endpoints are too many", plans.len());
        let expected = format!("at most {FILTERS_MAX}; another connection for the others");
        problems.push(Problem::new("/endpoints", message, expected));
    }
    match broker {
        Some(broker) if problems.is_empty() => Ok(Built {
            adapter: Box::new(MqttAdapter::new(Plan::new(broker, plans))),
            points,
            devices: Vec::new(),
        }),
        _ => Err(problems),
    }
}

/// The broker alone.
pub(crate) fn broker(spec: &AdapterSpec) -> Result<BrokerPlan, Vec<Problem>> {
    let mut problems = Vec::new();
    let broker = read::<Connection>(&spec.connection, "/connection", &mut problems)
        .and_then(|connection| BrokerPlan::new(connection, spec, &mut problems));
    broker.ok_or(problems)
}

fn read<T: DeserializeOwned>(value: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match T::deserialize(value) {
        Ok(read) => Some(read),
        Err(error) => {
            problems.push(Problem::new(at, error.to_string(), "what README.md says"));
            None
        }
    }
}
