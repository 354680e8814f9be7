//! The kind's row in the registry, and how it turns configuration into an adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem, fields};
use schemars::schema_for;
use serde_json::json;

use crate::config::{Connection, Operation, Version};
use crate::plan::{PointPlan, ServerPlan};
use crate::session::InfluxAdapter;

/// The adapter kind `Influxdb`.
pub const KIND: Kind = Kind {
    name: "Influxdb",
    summary: "InfluxDB 1, 2 and 3: datapoints written out, values written, queries polled.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schema_for!(Connection).to_value(),
    endpoint_schema: || schema_for!(Operation).to_value(),
    explore: None,
    build,
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let smallest = json!({ "host": "localhost" });
    let config = fields::read::<Connection>(&spec.connection, "/connection", &smallest, "Influxdb");
    let config = config.map_err(|found| problems.extend(found)).ok();
    let version = config
        .as_ref()
        .map_or(Version::Two, |config| Version::of(config.version));
    let server = config.and_then(|config| ServerPlan::new(&config, &spec.name, &mut problems));
    let (mut points, mut plans) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let at = format!("/endpoints/{index}/operation");
        let operation = fields::read::<Operation>(&endpoint.operation, &at, &json!({}), "Influxdb");
        let operation = operation.map_err(|found| problems.extend(found)).ok();
        let planned = operation.and_then(|operation| {
            PointPlan::new(&operation, endpoint, version, &at, &mut problems)
        });
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
    match server {
        Some(server) if problems.is_empty() => Ok(Built {
            adapter: Box::new(InfluxAdapter::new(server, plans)),
            points,
            devices: Vec::new(),
        }),
        _ => Err(problems),
    }
}
