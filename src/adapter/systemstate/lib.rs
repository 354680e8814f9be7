//! The states of this node's own resources as datapoints: connections, endpoints, remotes, servers,
//! mappings, and the service as a whole.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod plan;
mod session;

use mainstem_adapter::Kind;

pub use plan::{ConnectionConfig, OperationConfig};

/// The row in the registry.
pub const KIND: Kind = Kind {
    name: "Systemstate",
    summary: "The states of this node's own resources: connections, endpoints, remotes, servers, mappings.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(OperationConfig).to_value(),
    build: plan::build,
    // Its resources stand in the node file.
    explore: None,
};

#[cfg(test)]
mod tests;
