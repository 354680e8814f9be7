//! A device that exists only in this process: signals that move like a plant's, setpoints, and
//! faults on demand.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod faults;
mod plan;
mod random;
mod session;
mod signal;

use mainstem_adapter::Kind;

pub use config::{Connection, Operation};

/// The row in the registry.
pub const KIND: Kind = Kind {
    name: "simulator",
    summary: "Signals made up in this process: waves, ramps, counters, states, setpoints, faults.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(Connection).to_value(),
    endpoint_schema: || schemars::schema_for!(Operation).to_value(),
    build: plan::build,
    explore: None,
};

#[cfg(test)]
mod tests;
