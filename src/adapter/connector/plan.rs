//! From the configuration to the adapter, with every problem on the way.

use std::time::Duration;

use mainstem_adapter::{AdapterSpec, Built, EndpointSpec, Point, Problem};
use mainstem_model::{Access, Scalar};
use serde::Deserialize;
use serde_json::Value;

use crate::config::{
    COMMAND_WORDS_MAX, ConnectionConfig, ENVIRONMENT_MAX, OperationConfig, TIME_MS,
};
use crate::order::PointSetup;
use crate::session::Connector;

/// Checks everything that can be known without the program, and makes the adapter.
pub(crate) fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection = read_connection(&spec.connection, &mut problems);
    let (mut points, mut setups) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let Some(operation) = read_operation(endpoint, index, &mut problems) else {
            continue;
        };
        // Without a type of its own a value is a number.
        let definition = endpoint.definition(Scalar::F64);
        let interval = endpoint
            .interval
            .or(connection.as_ref().map(ConnectionConfig::interval));
        setups.push(PointSetup {
            id: u32::try_from(index).unwrap_or(u32::MAX),
            name: endpoint.name.clone(),
            address: operation.address,
            value_type: raw_type(endpoint).to_string(),
            access: endpoint.access,
            interval_ms: millis(interval.unwrap_or_default()),
        });
        points.push(Point {
            name: endpoint.name.clone(),
            definition,
            endpoint: Some(index),
            device: None,
        });
    }
    match connection {
        Some(connection) if problems.is_empty() => {
            let types = spec.endpoints.iter().map(raw_type).collect();
            let adapter = Connector::new(spec, connection, setups, types);
            Ok(Built {
                adapter: Box::new(adapter),
                points,
                devices: Vec::new(),
            })
        }
        _ => Err(problems),
    }
}

/// What the program speaks: numbers where the node scales, else the declared type.
fn raw_type(endpoint: &EndpointSpec) -> mainstem_model::ValueType {
    match (endpoint.scaling, endpoint.value_type) {
        (None, Some(declared)) => declared,
        (Some(_), Some(declared)) => mainstem_model::ValueType {
            scalar: Scalar::F64,
            array: declared.array,
        },
        (_, None) => Scalar::F64.into(),
    }
}

fn read_connection(given: &Value, problems: &mut Vec<Problem>) -> Option<ConnectionConfig> {
    let expected = "command: a program with its arguments, and the options of docs/CONNECTORS.md";
    let connection = match ConnectionConfig::deserialize(given) {
        Ok(connection) => connection,
        Err(error) => {
            problems.push(Problem::new("/connection", error.to_string(), expected));
            return None;
        }
    };
    let mut need = |is_so: bool, key: &str, message: &str, expected: String| {
        if !is_so {
            let pointer = format!("/connection/{key}");
            problems.push(Problem::new(pointer, message, expected));
        }
    };
    let words = connection.command.len();
    if connection.remote {
        let expected = "either `command` or `remote: true`".to_owned();
        need(
            words == 0,
            "command",
            "a remote program is not started here",
            expected,
        );
        let none = connection.environment.is_empty();
        let expected = "none: a remote program has its own".to_owned();
        need(
            none,
            "environment",
            "a remote program is not started here",
            expected,
        );
    } else {
        let is_command = (1..=COMMAND_WORDS_MAX).contains(&words)
            && connection
                .command
                .first()
                .is_some_and(|word| !word.is_empty());
        let expected = format!("a program and its arguments, 1 to {COMMAND_WORDS_MAX} words");
        need(is_command, "command", "this is no command", expected);
    }
    let is_small = connection.environment.len() <= ENVIRONMENT_MAX;
    let expected = format!("at most {ENVIRONMENT_MAX}");
    need(is_small, "environment", "too many variables", expected);
    for (key, time) in [
        ("connectTimeoutMs", connection.connect_timeout_ms),
        ("answerTimeoutMs", connection.answer_timeout_ms),
        ("silenceMs", connection.silence_ms),
    ] {
        let expected = format!("{} to {} milliseconds", TIME_MS.start(), TIME_MS.end());
        need(TIME_MS.contains(&time), key, "outside its range", expected);
    }
    Some(connection)
}

fn read_operation(
    endpoint: &EndpointSpec,
    index: usize,
    problems: &mut Vec<Problem>,
) -> Option<OperationConfig> {
    let mut given = endpoint.operation.clone();
    if let Some(fields) = given.as_object_mut() {
        // Read already: it stands in the endpoint's own field.
        fields.remove("interval");
    }
    let read = OperationConfig::deserialize(given).map_err(|error| {
        let pointer = format!("/endpoints/{index}/operation");
        let expected = "address: whatever the program's schema says";
        problems.push(Problem::new(pointer, error.to_string(), expected));
    });
    read.ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a datapoint is read at all.
pub(crate) fn is_read(access: Access) -> bool {
    access != Access::Write
}
