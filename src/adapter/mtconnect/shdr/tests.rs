//! Configuration: what is accepted, and that every problem is named.

use mainstem_model::{Access, Scalar};

use super::*;

fn endpoint(access: Access, operation: serde_json::Value) -> EndpointSpec {
    EndpointSpec {
        access,
        ..mainstem_adapter::conformance::endpoint(Access::Read, operation)
    }
}

fn spec(connection: serde_json::Value, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    AdapterSpec {
        name: "lathe".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

#[test]
fn every_problem_is_named() {
    let endpoints = vec![
        endpoint(Access::Read, json!({})),
        endpoint(Access::Read, json!({ "key": "x", "raw": true })),
        endpoint(Access::ReadWrite, json!({ "key": "x" })),
        endpoint(Access::Read, json!({ "key": "x", "dataType": "money" })),
    ];
    let found = build(&spec(
        json!({ "host": "a", "port": 0, "timeout": 1 }),
        endpoints,
    ));
    let found = found.err().unwrap().into_iter();
    let pointers: Vec<_> = found.map(|problem| problem.pointer).collect();
    let wanted = [
        "/connection/port",
        "/connection/timeout",
        "/endpoints/0/operation",
        "/endpoints/1/operation",
        "/endpoints/2/operation",
        "/endpoints/3/operation/dataType",
    ];
    assert_eq!(pointers, wanted);
}

#[test]
fn types_are_derived() {
    let rows = [
        (json!({ "key": "x" }), Scalar::Text, false),
        (json!({ "raw": true }), Scalar::Text, false),
        (
            json!({ "key": "x", "dataType": "sample" }),
            Scalar::F64,
            false,
        ),
        (
            json!({ "key": "x", "dataType": "time-series" }),
            Scalar::F64,
            true,
        ),
        (
            json!({ "key": "x", "dataType": "condition" }),
            Scalar::Json,
            false,
        ),
        (
            json!({ "key": "x", "dataType": "level" }),
            Scalar::Text,
            false,
        ),
    ];
    for (operation, scalar, array) in rows {
        let spec = spec(
            json!({ "host": "a" }),
            vec![endpoint(Access::Read, operation.clone())],
        );
        let built = build(&spec).unwrap_or_else(|problems| panic!("{problems:?}"));
        let value_type = built.points[0].definition.value_type;
        assert_eq!(
            (value_type.scalar, value_type.array),
            (scalar, array),
            "{operation}"
        );
    }
}
