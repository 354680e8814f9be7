//! Configuration: what is accepted, and that every problem is named.

use mainstem_model::{Access, Scalar};
use serde_json::json;

use super::*;

fn endpoint(access: Access, operation: serde_json::Value) -> EndpointSpec {
    EndpointSpec {
        access,
        ..mainstem_adapter::conformance::endpoint(Access::Read, operation)
    }
}

fn spec(connection: serde_json::Value, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    AdapterSpec {
        name: "cnc".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

#[test]
fn every_problem_is_named() {
    let endpoints = vec![
        endpoint(Access::Read, json!({ "key": "x", "dataType": "money" })),
        endpoint(Access::ReadWrite, json!({ "key": "x" })),
    ];
    let connection = json!({ "host": "a b", "tls": {}, "connectionStrategy": { "maxDelay": 1 } });
    let found = build(&spec(connection, endpoints)).err().unwrap();
    let pointers: Vec<_> = found.into_iter().map(|problem| problem.pointer).collect();
    let wanted = [
        "/connection/connectionStrategy/maxDelay",
        "/connection/tls/",
        "/connection/host",
        "/endpoints/0/operation/dataType",
        "/endpoints/1/operation",
    ];
    assert_eq!(pointers, wanted);
}

#[test]
fn types_are_derived() {
    let number = EndpointSpec {
        value_type: Some(Scalar::I32.into()),
        ..endpoint(Access::Read, json!({ "key": "x" }))
    };
    let text = endpoint(Access::Read, json!({ "key": "x" }));
    let built = build(&spec(json!({ "host": "a" }), vec![number.clone(), text])).unwrap_or_else(
        |problems| {
            panic!("{problems:?}");
        },
    );
    assert_eq!(built.points[0].definition.value_type, Scalar::I32.into());
    assert_eq!(built.points[1].definition.value_type, Scalar::Text.into());
    assert_eq!(binding::usual(&number), crate::shape::DataType::Sample);
}

#[test]
fn addresses_are_made_of_their_parts() {
    let of = |connection| {
        let config = connection_of(&connection);
        let place = place::Place::new(&config).unwrap();
        place.of("sample", &[("from", "7".to_owned())]).to_string()
    };
    assert_eq!(of(json!({ "host": "a" })), "http://a:5000/sample?from=7");
    assert_eq!(
        of(json!({ "host": "::1" })),
        "http://[::1]:5000/sample?from=7"
    );
    let more = json!({
        "host": "a", "port": 1, "prefix": "/b/", "device": "c d/e",
        "tls": { "pin": format!("sha256:{}", "0".repeat(64)) },
    });
    assert_eq!(of(more), "https://a:1/b/c%20d%2Fe/sample?from=7");
}

fn connection_of(given: &serde_json::Value) -> ConnectionConfig {
    connection(given).unwrap_or_else(|problems| panic!("{problems:?}"))
}
