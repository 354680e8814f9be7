//! What a kind takes a configuration for: where it finds it wrong, and which types follow from it.

use mainstem_model::{Access, ValueType};
use serde_json::Value as Json;

use super::endpoint;
use crate::{AdapterSpec, EndpointSpec, Kind, Problem};

/// What is built for these endpoints; nothing is kept between sessions.
pub fn spec(connection: Json, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    AdapterSpec {
        name: "plc".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

/// Where a connection without endpoints is wrong: the pointers, sorted.
pub fn connection_problems(kind: &Kind, connection: Json) -> Vec<String> {
    let found = problems(kind, &spec(connection, Vec::new()));
    let mut found: Vec<String> = found.into_iter().map(|problem| problem.pointer).collect();
    found.sort();
    found
}

/// Where the operation of a single endpoint is wrong: the pointers below it.
pub fn operation_problems(
    kind: &Kind,
    connection: Json,
    access: Access,
    operation: Json,
) -> Vec<String> {
    let spec = spec(connection, vec![bare(access, operation)]);
    let below = |problem: Problem| {
        let pointer = problem.pointer.strip_prefix("/endpoints/0/operation");
        let pointer = pointer.unwrap_or_else(|| panic!("not of the operation: {problem:?}"));
        pointer.to_owned()
    };
    problems(kind, &spec).into_iter().map(below).collect()
}

/// The type of an endpoint that does not say one.
pub fn derived_type(kind: &Kind, connection: Json, operation: Json) -> ValueType {
    let spec = spec(connection, vec![bare(Access::Read, operation)]);
    let built = (kind.build)(&spec).unwrap_or_else(|found| panic!("{found:?}"));
    built.points[0].definition.value_type
}

fn bare(access: Access, operation: Json) -> EndpointSpec {
    EndpointSpec {
        interval: None,
        ..endpoint(access, operation)
    }
}

fn problems(kind: &Kind, spec: &AdapterSpec) -> Vec<Problem> {
    (kind.build)(spec).err().unwrap_or_default()
}
