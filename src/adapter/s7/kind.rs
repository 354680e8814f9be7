//! The row in the registry: configuration to adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Problem, polled};
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
    polled::build(
        spec,
        connection(spec),
        Binding::new,
        |binding| binding.format.value_type(),
        S7Adapter::new,
    )
}

fn connection(spec: &AdapterSpec) -> Result<ConnectionConfig, Vec<Problem>> {
    let smallest = json!({ "host": "localhost" });
    polled::connection(spec, &smallest, "S7", |config: &ConnectionConfig| {
        config.connection_strategy.as_ref()
    })
}

#[cfg(test)]
mod tests;
