//! The kind's row in the registry, and how it turns configuration into an adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem};
use schemars::schema_for;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{Connection, Operation};
use crate::explore::HttpExplore;
use crate::plan::{PointPlan, ServicePlan};
use crate::session::HttpAdapter;

/// The adapter kind `Http`.
pub const KIND: Kind = Kind {
    name: "Http",
    summary: "HTTP and REST services: polled, asked on request and written.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schema_for!(Connection).to_value(),
    endpoint_schema: || schema_for!(Operation).to_value(),
    build,
    explore: Some(&HttpExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let service = read::<Connection>(&spec.connection, "/connection", &mut problems)
        .and_then(|connection| ServicePlan::new(connection, &mut problems));
    let (mut points, mut plans) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let at = format!("/endpoints/{index}/operation");
        let operation = read::<Operation>(&endpoint.operation, &at, &mut problems);
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
    match service {
        Some(service) if problems.is_empty() => Ok(Built {
            adapter: Box::new(HttpAdapter::new(service, plans)),
            points,
            devices: Vec::new(),
        }),
        _ => Err(problems),
    }
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
