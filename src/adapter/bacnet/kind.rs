//! The row in the registry: configuration to adapter.

use mainstem_adapter::{AdapterSpec, Built, ConnectionStrategy, Kind, Point, Problem, fields};
use serde_json::json;

use crate::adapter::BacnetAdapter;
use crate::binding::Binding;
use crate::codec::INSTANCE_MAX;
use crate::codec::apdu::SIZES;
use crate::codec::network::Station;
use crate::config::{ConnectionConfig, EndpointConfig};
use crate::{adapter, address};

/// The adapter kind `bacnet`.
pub const KIND: Kind = Kind {
    name: "bacnet",
    summary: "BACnet/IP devices: properties of objects, polled in batches or told when they change.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&crate::explore::BacnetExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let checked = connection(&spec.connection);
    let checked = checked.map_err(|found| problems.extend(found)).ok();
    let cov = checked
        .as_ref()
        .is_some_and(|(config, _)| config.cov.enabled);
    let mut bindings = Vec::with_capacity(spec.endpoints.len());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        match Binding::new(&format!("/endpoints/{index}"), endpoint, cov) {
            Ok(binding) => bindings.push(binding),
            Err(found) => problems.extend(found),
        }
    }
    let (Some((config, station)), true) = (checked, problems.is_empty()) else {
        return Err(problems);
    };
    let points = spec.endpoints.iter().zip(&bindings).enumerate();
    let points = points.map(|(index, (endpoint, binding))| Point {
        name: endpoint.name.clone(),
        definition: endpoint.definition(binding.value_type()),
        endpoint: Some(index),
        device: None,
    });
    let points = points.collect();
    let setup = adapter::Setup::new(config, station, bindings);
    Ok(Built {
        adapter: Box::new(BacnetAdapter::new(setup)),
        points,
        devices: Vec::new(),
    })
}

/// The options of a connection, and the device behind a router if it is one.
pub(crate) fn connection(
    given: &serde_json::Value,
) -> Result<(ConnectionConfig, Option<Station>), Vec<Problem>> {
    let smallest = json!({ "deviceInstance": 1 });
    let config: ConnectionConfig = fields::read(given, "/connection", &smallest, "Bacnet")?;
    let strategy = config.connection_strategy.as_ref();
    let mut problems = strategy.map_or_else(Vec::new, ConnectionStrategy::problems);
    let mut report = |key: &str, message: &str, expected: &str| {
        problems.push(Problem::new(
            format!("/connection/{key}"),
            message,
            expected,
        ));
    };
    let addresses = [
        ("deviceAddress", config.device_address.as_ref()),
        ("broadcastAddress", Some(&config.broadcast_address)),
        ("bbmd", config.bbmd.as_ref()),
    ];
    for (key, text) in addresses {
        if let Some(Err(message)) = text.map(|text| address::parts(text)) {
            report(key, &message, "as `192.0.2.10:47808`");
        }
    }
    if !SIZES.contains(&config.max_apdu) {
        report(
            "maxApdu",
            "the standard has no such size",
            "50, 128, 206, 480, 1024 or 1476",
        );
    }
    if !(10..=86_400).contains(&config.cov.cov_lifetime_seconds) {
        report(
            "cov/covLifetimeSeconds",
            "it is out of range",
            "10 to 86400 seconds",
        );
    }
    if !(100..=86_400_000).contains(&config.cov.poll_interval) {
        report(
            "cov/pollInterval",
            "it is out of range",
            "100 to 86400000 milliseconds",
        );
    }
    if config.device_instance == INSTANCE_MAX && config.device_address.is_none() {
        report(
            "deviceInstance",
            "it is not said which device",
            "its instance, or `deviceAddress`",
        );
    }
    let mac = config.mac.as_ref().map(hex::decode).transpose();
    let mac = mac.map_err(|_| report("mac", "these are no bytes", "hexadecimal digits, as `0a`"));
    if config.mac.is_some() && config.network.is_none() {
        report(
            "mac",
            "an address without its network",
            "`network` beside it",
        );
    }
    match (problems.is_empty(), mac) {
        (true, Ok(mac)) => {
            let mac = mac.unwrap_or_default();
            let station = config.network.map(|network| Station { network, mac });
            Ok((config, station))
        }
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests;
