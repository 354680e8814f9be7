//! The row in the registry: configuration to adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Problem, polled};
use serde_json::json;

use crate::adapter::EtherNetIp;
use crate::binding::Binding;
use crate::config::{ConnectionConfig, EndpointConfig};
use crate::explore::TagExplore;

/// The adapter kind `ethernetip`.
pub const KIND: Kind = Kind {
    name: "ethernetip",
    summary: "EtherNet/IP: tags of Allen-Bradley Logix controllers, by name.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&TagExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    polled::build(
        spec,
        connection(spec),
        Binding::new,
        |binding| binding.format.value_type(),
        EtherNetIp::new,
    )
}

/// The checked options of a connection.
pub(crate) fn connection(spec: &AdapterSpec) -> Result<ConnectionConfig, Vec<Problem>> {
    let smallest = json!({ "host": "localhost" });
    polled::connection(
        spec,
        &smallest,
        "EtherNet/IP",
        |config: &ConnectionConfig| config.connection_strategy.as_ref(),
    )
}

#[cfg(test)]
mod tests;
