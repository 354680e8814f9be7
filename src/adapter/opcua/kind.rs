//! The kind's row in the registry, and how it turns configuration into an adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem};
use schemars::schema_for;

use crate::connection::ConnectionConfig;
use crate::endpoint::EndpointConfig;
use crate::explore::OpcUaExplore;
use crate::plan::Plan;
use crate::section;
use crate::session::OpcUaAdapter;

/// The adapter kind `opcua`.
pub const KIND: Kind = Kind {
    name: "opcua",
    summary: "OPC UA client: subscriptions, polled reads and writes",
    sample: include_str!("sample.yaml"),
    connection_schema: || schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&OpcUaExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection =
        section::read::<ConnectionConfig>(&spec.connection, "/connection", &mut problems)
            .and_then(|config| config.plan(&spec.name, &spec.home, &mut problems));
    let (mut points, mut plans) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let pointer = format!("/endpoints/{index}");
        let operation = format!("{pointer}/operation");
        let config =
            section::read::<EndpointConfig>(&endpoint.operation, &operation, &mut problems);
        let planned = config.and_then(|config| config.plan(endpoint, &pointer, &mut problems));
        if let Some((definition, plan)) = planned {
            plans.push(plan);
            points.push(Point {
                name: endpoint.name.clone(),
                definition,
                endpoint: Some(index),
                device: None,
            });
        }
    }
    match connection {
        Some(connection) if problems.is_empty() => {
            let plan = Plan {
                connection,
                folder: spec.folder.clone(),
                points: plans,
            };
            let adapter = Box::new(OpcUaAdapter::new(plan));
            Ok(Built {
                adapter,
                points,
                devices: Vec::new(),
            })
        }
        _ => Err(problems),
    }
}
