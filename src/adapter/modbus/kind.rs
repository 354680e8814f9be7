//! The row in the registry: configuration to adapter.

use mainstem_adapter::{
    AdapterSpec, Built, ConnectionStrategy, Kind, Point, Problem, TlsSection, fields,
};
use mainstem_model::{Definition, Scalar, ValueType};
use serde_json::json;

use crate::adapter::ModbusAdapter;
use crate::binding::Binding;
use crate::config::{ConnectionConfig, EndpointConfig, Transport};
use crate::explore::ModbusExplore;

/// The adapter kind `modbus`.
pub const KIND: Kind = Kind {
    name: "modbus",
    summary: "Modbus client over TCP, TLS and serial lines: coils and registers, gateways and their units.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&ModbusExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection = connection(spec)
        .map_err(|found| problems.extend(found))
        .ok();
    let mut bindings = Vec::with_capacity(spec.endpoints.len());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        match Binding::new(
            &format!("/endpoints/{index}"),
            endpoint,
            connection.as_ref(),
        ) {
            Ok(binding) => bindings.push(binding),
            Err(found) => problems.extend(found),
        }
    }
    let (Some(connection), true) = (connection, problems.is_empty()) else {
        return Err(problems);
    };
    let units = units(&bindings);
    let points = spec.endpoints.iter().zip(&bindings).enumerate();
    let points = points
        .map(|(index, (endpoint, binding))| Point {
            name: endpoint.name.clone(),
            definition: definition(endpoint, binding),
            endpoint: Some(index),
            device: device(&units, binding.unit),
        })
        .collect();
    let devices = if units.len() > 1 {
        units.iter().map(|unit| format!("unit{unit}")).collect()
    } else {
        Vec::new()
    };
    let adapter = Box::new(ModbusAdapter::new(connection, &spec.home, bindings));
    Ok(Built {
        adapter,
        points,
        devices,
    })
}

/// The units in use, ascending; their places are those of the devices.
pub(crate) fn units(bindings: &[Binding]) -> Vec<u8> {
    let mut units: Vec<u8> = bindings.iter().map(|binding| binding.unit).collect();
    units.sort_unstable();
    units.dedup();
    units
}

/// A unit's place among the devices, if there is more than one.
pub(crate) fn device(units: &[u8], unit: u8) -> Option<usize> {
    if units.len() > 1 {
        units.binary_search(&unit).ok()
    } else {
        None
    }
}

fn connection(spec: &AdapterSpec) -> Result<ConnectionConfig, Vec<Problem>> {
    let smallest = match spec
        .connection
        .get("transport")
        .and_then(|way| way.as_str())
    {
        Some("rtu") => json!({ "transport": "rtu", "device": "/dev/ttyUSB0" }),
        _ => json!({ "host": "localhost" }),
    };
    let config: ConnectionConfig =
        fields::read(&spec.connection, "/connection", &smallest, "Modbus")?;
    check_way(&config)?;
    let strategy = config.connection_strategy.as_ref();
    let problems = strategy.map_or_else(Vec::new, ConnectionStrategy::problems);
    match problems.is_empty() {
        true => Ok(config),
        false => Err(problems),
    }
}

/// Whether what the transport needs is there, and nothing else. Host and serial port were looked
/// for already where they are needed.
fn check_way(config: &ConnectionConfig) -> Result<(), Vec<Problem>> {
    let is_serial = config.transport == Transport::Rtu;
    let is_secured = config.transport == Transport::Tls;
    let wrong_tls = config.tls.as_ref().and_then(TlsSection::problem);
    let key = wrong_tls.map_or_else(String::new, |(key, _)| format!("/tls/{key}"));
    let expected = wrong_tls.map_or("", |(_, expected)| expected);
    let rows = [
        (
            is_serial && !config.host.is_empty(),
            "/host",
            "a serial port has no host",
            "`device`",
        ),
        (
            !is_serial && !config.device.is_empty(),
            "/device",
            "this is no serial line",
            "`transport: rtu`",
        ),
        (
            is_secured && config.tls.is_none(),
            "",
            "`tls` is missing",
            "`tls:` with `ca` or `pin`",
        ),
        (
            !is_secured && config.tls.is_some(),
            "/tls",
            "this transport has no TLS",
            "`transport: tls`",
        ),
        (
            wrong_tls.is_some(),
            key.trim_end_matches('/'),
            "this is not clear",
            expected,
        ),
    ];
    let wrong = rows.into_iter().filter(|(is_wrong, ..)| *is_wrong);
    let problems: Vec<Problem> = wrong
        .map(|(_, key, message, expected)| {
            Problem::new(format!("/connection{key}"), message, expected)
        })
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

fn definition(endpoint: &mainstem_adapter::EndpointSpec, binding: &Binding) -> Definition {
    let derived = if endpoint.scaling.is_some() {
        Scalar::F64
    } else {
        binding.format.scalar()
    };
    let value_type = endpoint.value_type.unwrap_or(ValueType::from(derived));
    let mut definition = Definition::new(value_type)
        .unit(endpoint.unit.as_deref().unwrap_or_default())
        .description(endpoint.description.as_deref().unwrap_or_default());
    definition.access = endpoint.access;
    definition.limits = endpoint.limits;
    definition
}

#[cfg(test)]
mod tests;
