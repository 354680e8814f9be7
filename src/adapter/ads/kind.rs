//! The row in the registry: configuration to adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Problem, polled};
use serde_json::json;

use crate::adapter::AdsAdapter;
use crate::binding::Binding;
use crate::config::{ConnectionConfig, EndpointConfig};
use crate::explore::SymbolExplore;

/// The adapter kind `ads`.
pub const KIND: Kind = Kind {
    name: "ads",
    summary: "Beckhoff ADS: variables of TwinCAT by symbol name, or by index group and offset.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&SymbolExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    polled::build(
        spec,
        connection(spec),
        Binding::new,
        |binding| binding.format.value_type(),
        AdsAdapter::new,
    )
}

/// The checked options of a connection.
pub(crate) fn connection(spec: &AdapterSpec) -> Result<ConnectionConfig, Vec<Problem>> {
    let smallest = json!({ "host": "localhost", "netId": "127.0.0.1.1.1" });
    polled::connection(spec, &smallest, "ADS", |config: &ConnectionConfig| {
        config.connection_strategy.as_ref()
    })
}

#[cfg(test)]
mod tests;
