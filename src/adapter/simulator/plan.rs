//! From the configuration to the adapter, with every problem on the way.

use std::time::Duration;

use mainstem_adapter::{AdapterSpec, Built, EndpointSpec, POLL_INTERVAL_MIN, Point, Problem};
use serde::Deserialize;

use crate::config::{Connection, Operation, STATES_MAX, Wave};
use crate::faults::Fault;
use crate::session::Simulator;
use crate::signal::Signal;

/// Checks everything and makes the adapter.
pub(crate) fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection = read_connection(spec, &mut problems);
    let mut points = Vec::new();
    let mut signals = Vec::new();
    let mut follows = Vec::new();
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let place = format!("/endpoints/{index}");
        let Some(operation) = read_operation(endpoint, &place, &mut problems) else {
            continue;
        };
        check_operation(&operation, &place, &mut problems);
        let followed = check_links(spec, index, &operation, &place, &mut problems);
        let Some(scalar) = Signal::scalar(&operation) else {
            let pointer = format!("{place}/operation/value");
            problems.push(Problem::new(
                pointer,
                "this is no value",
                "a boolean, number or text",
            ));
            continue;
        };
        points.push(Point {
            name: endpoint.name.clone(),
            definition: endpoint.definition(scalar),
            endpoint: Some(index),
            device: None,
        });
        let interval = endpoint
            .interval
            .unwrap_or(connection.interval())
            .max(POLL_INTERVAL_MIN);
        signals.push((
            Signal::new(operation, &endpoint.name, connection.seed, interval),
            interval,
        ));
        follows.push(followed);
    }
    points.extend(Fault::ALL.map(Fault::point));
    if !problems.is_empty() {
        return Err(problems);
    }
    let adapter = Box::new(Simulator::new(signals, follows));
    Ok(Built {
        adapter,
        points,
        devices: Vec::new(),
    })
}

fn read_connection(spec: &AdapterSpec, problems: &mut Vec<Problem>) -> Connection {
    // A simulator needs no connection at all, so nothing is a valid one.
    let given = if spec.connection.is_null() {
        serde_json::json!({})
    } else {
        spec.connection.clone()
    };
    let connection = Connection::deserialize(given).unwrap_or_else(|error| {
        let expected = "seed: a whole number, interval_ms: milliseconds";
        problems.push(Problem::new("/connection", error.to_string(), expected));
        Connection::default()
    });
    if Duration::from_millis(connection.interval_ms) < POLL_INTERVAL_MIN {
        let expected = format!("at least {} ms", POLL_INTERVAL_MIN.as_millis());
        problems.push(Problem::new(
            "/connection/interval_ms",
            "too short",
            expected,
        ));
    }
    connection
}

fn read_operation(
    endpoint: &EndpointSpec,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Option<Operation> {
    let mut given = endpoint.operation.clone();
    if let Some(fields) = given.as_object_mut() {
        // Read already: it stands in the endpoint's own field.
        fields.remove("interval");
    }
    let read = Operation::deserialize(given);
    let expected = "signal: one of sine, triangle, square, ramp, counter, walk, states, constant, \
                    setpoint, follow, with its own fields";
    read.map_err(|error| {
        problems.push(Problem::new(
            format!("{place}/operation"),
            error.to_string(),
            expected,
        ));
    })
    .ok()
}

fn check_operation(operation: &Operation, place: &str, problems: &mut Vec<Problem>) {
    let mut need = |is_so: bool, field: &str, message: &str, expected: &str| {
        if !is_so {
            let pointer = format!("{place}/operation/{field}");
            problems.push(Problem::new(pointer, message, expected));
        }
    };
    let positive = |number: f64| number.is_finite() && number > 0.0;
    let (range, seconds) = ("min must be less than max", "a number of seconds above 0");
    match operation {
        Operation::Sine(wave)
        | Operation::Triangle(wave)
        | Operation::Square(wave)
        | Operation::Ramp(wave) => {
            let Wave { min, max, period_s } = *wave;
            need(min < max, "min", range, "a number less than max");
            need(positive(period_s), "period_s", "no period", seconds);
        }
        Operation::Walk { min, max, step } => {
            need(min < max, "min", range, "a number less than max");
            need(positive(*step), "step", "no step", "a number above 0");
        }
        Operation::States { states, dwell_s } => {
            let count = 1..=STATES_MAX;
            let expected = format!("a list of 1 to {STATES_MAX} words");
            need(
                count.contains(&states.len()),
                "states",
                "too few or too many",
                &expected,
            );
            need(positive(*dwell_s), "dwell_s", "no dwell time", seconds);
        }
        Operation::Follow { lag_s, .. } => need(positive(*lag_s), "lag_s", "no lag", seconds),
        Operation::Counter { .. } | Operation::Constant { .. } | Operation::Setpoint { .. } => {}
    }
}

/// Checks what concerns other endpoints and access; returns the index of what it follows.
fn check_links(
    spec: &AdapterSpec,
    index: usize,
    operation: &Operation,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let endpoint = &spec.endpoints[index];
    let is_taken = Fault::ALL.iter().any(|fault| fault.name() == endpoint.name)
        || spec.endpoints[..index]
            .iter()
            .any(|other| other.name == endpoint.name);
    if is_taken {
        let pointer = format!("{place}/name");
        problems.push(Problem::new(
            pointer,
            "this name is taken",
            "a name of its own",
        ));
    }
    if endpoint.access.is_writable() && !matches!(operation, Operation::Setpoint { .. }) {
        let message = "only a setpoint can be written";
        problems.push(Problem::new(format!("{place}/access"), message, "r"));
    }
    let Operation::Follow { of, .. } = operation else {
        return None;
    };
    let followed = spec.endpoints.iter().position(|other| other.name == *of);
    let is_number = |other: usize| {
        let kind = spec.endpoints[other].operation.get("signal");
        let kind = kind.and_then(serde_json::Value::as_str);
        other != index && matches!(kind, Some("setpoint" | "walk" | "follow"))
    };
    let followed = followed.filter(|&other| is_number(other));
    if followed.is_none() {
        let pointer = format!("{place}/operation/of");
        let expected = "the name of another endpoint that is a setpoint, walk or follow";
        problems.push(Problem::new(
            pointer,
            format!("cannot follow {of:?}"),
            expected,
        ));
    }
    followed
}
