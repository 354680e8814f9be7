//! The row in the registry: configuration to adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem};
use mainstem_model::{Definition, Scalar, ValueType};
use serde_json::json;

use crate::adapter::ModbusAdapter;
use crate::binding::Binding;
use crate::config::{ConnectionConfig, EndpointConfig};
use crate::fields;

/// The adapter kind `modbus`.
pub const KIND: Kind = Kind {
    name: "modbus",
    summary: "Modbus TCP client: coils and registers of devices and of units behind gateways.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
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
    let adapter = Box::new(ModbusAdapter::new(connection, bindings));
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
    let smallest = json!({ "host": "localhost" });
    let config: ConnectionConfig = fields::read(&spec.connection, "/connection", &smallest)?;
    let Some(strategy) = &config.connection_strategy else {
        return Ok(config);
    };
    let mut problems = Vec::new();
    let mut report = |key: &str, message: &str, expected: &str| {
        let pointer = format!("/connection/connectionStrategy/{key}");
        problems.push(Problem::new(pointer, message, expected));
    };
    if strategy.initial_delay < 1000 {
        report(
            "initialDelay",
            "the first delay is too short",
            "at least 1000 milliseconds",
        );
    }
    if strategy.max_delay <= strategy.initial_delay {
        report(
            "maxDelay",
            "the longest delay is not longer",
            "more than initialDelay",
        );
    }
    if strategy.increment_factor < 2 {
        report("incrementFactor", "the delays would not grow", "at least 2");
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
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
