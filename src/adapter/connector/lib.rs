//! Custom connectors: a program in any language, run as a child process, that speaks JSON lines on
//! its standard input and output. `docs/CONNECTORS.md` is the contract.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod json;
mod order;
mod plan;
mod program;
mod requests;
mod schema;
mod session;
mod word;

use mainstem_adapter::Kind;

pub use config::{ConnectionConfig, OperationConfig};

/// The row in the registry.
pub const KIND: Kind = Kind {
    name: "connector",
    summary: "A program of your own, in any language, that speaks JSON lines with this node.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(OperationConfig).to_value(),
    build: plan::build,
    explore: None,
};

#[cfg(test)]
mod tests;
