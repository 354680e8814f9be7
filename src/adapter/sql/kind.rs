//! The kind's row in the registry, and how it turns configuration into an adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem, fields};
use schemars::schema_for;
use serde_json::json;

use crate::config::{Connection, Driver, Operation};
use crate::plan::{PointPlan, ServerPlan};
use crate::session::SqlAdapter;

/// The adapter kind `Sql`.
pub const KIND: Kind = Kind {
    name: "Sql",
    summary: "PostgreSQL, MariaDB, MySQL and SQLite: polled queries and parametrised writes.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schema_for!(Connection).to_value(),
    endpoint_schema: || schema_for!(Operation).to_value(),
    explore: None,
    build,
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let config = fields::read::<Connection>(&spec.connection, "/connection", &json!({}), "Sql");
    let config = config.map_err(|found| problems.extend(found)).ok();
    let server = config.and_then(|config| ServerPlan::new(&config, spec, &mut problems));
    let of_server = server
        .as_ref()
        .map_or((Driver::Sqlite, usize::MAX), |server| {
            (server.target.driver(), server.bounds.rows)
        });
    let (mut points, mut plans) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let at = format!("/endpoints/{index}/operation");
        let smallest = json!({ "query": "SELECT 1" });
        let operation = fields::read::<Operation>(&endpoint.operation, &at, &smallest, "Sql");
        let operation = operation.map_err(|found| problems.extend(found)).ok();
        let planned = operation.and_then(|operation| {
            PointPlan::new(&operation, endpoint, of_server, &at, &mut problems)
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
            adapter: Box::new(SqlAdapter::new(server, plans, spec.folder.clone())),
            points,
            devices: Vec::new(),
        }),
        _ => Err(problems),
    }
}
