//! The row in the registry: configuration to adapter.

use mainstem_adapter::{AdapterSpec, Built, ConnectionStrategy, Kind, Point, Problem, fields};
use serde_json::json;

use crate::adapter::S7Adapter;
use crate::binding::Binding;
use crate::config::{ConnectionConfig, EndpointConfig};
use crate::explore::S7Explore;

/// The adapter kind `s7`.
pub const KIND: Kind = Kind {
    name: "s7",
    summary: "Siemens S7-300 to S7-1500 by absolute address: blocks, flags, inputs, outputs.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&S7Explore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection = connection(spec);
    let connection = connection.map_err(|found| problems.extend(found)).ok();
    let mut bindings = Vec::with_capacity(spec.endpoints.len());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        match Binding::new(&format!("/endpoints/{index}"), endpoint) {
            Ok(binding) => bindings.push(binding),
            Err(found) => problems.extend(found),
        }
    }
    let (Some(connection), true) = (connection, problems.is_empty()) else {
        return Err(problems);
    };
    let points = spec.endpoints.iter().zip(&bindings).enumerate();
    let points = points.map(|(index, (endpoint, binding))| Point {
        name: endpoint.name.clone(),
        definition: endpoint.definition(binding.format.value_type()),
        endpoint: Some(index),
        device: None,
    });
    let points = points.collect();
    Ok(Built {
        adapter: Box::new(S7Adapter::new(connection, bindings)),
        points,
        devices: Vec::new(),
    })
}

fn connection(spec: &AdapterSpec) -> Result<ConnectionConfig, Vec<Problem>> {
    let smallest = json!({ "host": "localhost" });
    let config: ConnectionConfig = fields::read(&spec.connection, "/connection", &smallest, "S7")?;
    let strategy = config.connection_strategy.as_ref();
    let problems = strategy.map_or_else(Vec::new, ConnectionStrategy::problems);
    match problems.is_empty() {
        true => Ok(config),
        false => Err(problems),
    }
}

#[cfg(test)]
mod tests;
