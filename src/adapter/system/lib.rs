//! The machine and the process that this node runs on, as datapoints.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod disk;
mod metric;
mod plan;
mod proc_text;
mod readings;
mod session;
mod setting;

use mainstem_adapter::Kind;

pub use config::Connection;

/// The row in the registry.
pub const KIND: Kind = Kind {
    name: "system",
    summary: "The machine and the process of this node: time, load, memory, disks, descriptors.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(Connection).to_value(),
    // There is nothing to choose: every datapoint is built in.
    endpoint_schema: || serde_json::json!({"not": {}}),
    build: plan::build,
    explore: None,
};

#[cfg(test)]
mod tests;
