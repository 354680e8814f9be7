//! The configuration: every problem at its place, and nothing silently taken for something else.

use mainstem_adapter::{AdapterSpec, EndpointSpec, Problem, Scaling};
use mainstem_model::{Access, Scalar};
use serde_json::{Value, json};

use super::harness::endpoint;
use crate::KIND;

fn build(connection: Value, endpoints: Vec<EndpointSpec>) -> Result<usize, Vec<Problem>> {
    let folder = "/nowhere".into();
    let spec = AdapterSpec {
        name: "press".into(),
        connection,
        endpoints,
        folder,
        home: std::path::PathBuf::new(),
    };
    (KIND.build)(&spec).map(|built| built.points.len())
}

fn pointers(result: Result<usize, Vec<Problem>>) -> Vec<String> {
    let mut pointers: Vec<_> = result
        .unwrap_err()
        .into_iter()
        .map(|problem| problem.pointer)
        .collect();
    pointers.sort();
    pointers
}

#[test]
fn the_smallest_configuration_is_enough() {
    let node = endpoint(
        "speed",
        "f64",
        Access::Read,
        json!({ "nodeId": "ns=2;s=Speed" }),
    );
    assert_eq!(
        build(json!({ "host": "192.0.2.1" }), vec![node]).unwrap(),
        1
    );
    let url = json!({ "endpointUrl": "opc.tcp://plc.example:4841/server" });
    assert_eq!(build(url, Vec::new()).unwrap(), 0);
}

#[test]
fn all_problems_are_reported_with_their_places() {
    let mut unscalable = endpoint("a", "text", Access::Read, json!({ "nodeId": "i=1" }));
    unscalable.scaling = Some(Scaling {
        factor: 2.0,
        offset: 0.0,
    });
    let result = build(
        json!({
            "host": "opc.tcp://x", "port": 4840, "securityMode": "Encrypt", "tryHard": true,
            "maxInFlight": "two",
        }),
        vec![
            endpoint(
                "b",
                "",
                Access::Read,
                json!({ "nodeId": "Speed", "queueSize": 0 }),
            ),
            endpoint(
                "c",
                "f64",
                Access::Read,
                json!({ "publishInterval": 1, "node_id": "i=1" }),
            ),
            unscalable,
            endpoint(
                "d",
                "f64",
                Access::Read,
                json!({ "nodeId": "i=1", "interval": "often" }),
            ),
        ],
    );
    let problems = result.clone().unwrap_err();
    assert!(
        problems.iter().all(|problem| !problem.expected.is_empty()),
        "{problems:?}"
    );
    assert_eq!(
        pointers(result),
        [
            "/connection/maxInFlight",
            "/connection/securityMode",
            "/connection/tryHard",
            "/endpoints/0/operation/nodeId",
            "/endpoints/0/operation/queueSize",
            "/endpoints/0/type",
            "/endpoints/1/operation/node_id",
            "/endpoints/2/type",
            "/endpoints/3/operation/interval",
        ]
    );
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for (connection, pointer) in [
        (json!({}), "/connection/host"),
        (json!({ "host": "a b" }), "/connection/host"),
        (
            json!({ "host": "a", "endpointUrl": "opc.tcp://a" }),
            "/connection/endpointUrl",
        ),
        (
            json!({ "endpointUrl": "http://a" }),
            "/connection/endpointUrl",
        ),
        (
            json!({ "endpointUrl": "opc.tcp://a", "port": 1 }),
            "/connection/port",
        ),
        (
            json!({ "host": "a", "securityPolicy": "None", "securityMode": "Sign" }),
            "/connection/securityMode",
        ),
        (
            json!({ "host": "a", "securityMode": "None" }),
            "/connection/securityMode",
        ),
        (
            json!({ "host": "a", "username": "x", "userCertificate": "a", "userPrivateKey": "b" }),
            "/connection/userCertificate",
        ),
        (
            json!({ "host": "a", "userCertificate": "a.pem" }),
            "/connection/userPrivateKey",
        ),
        (
            json!({ "host": "a", "userPrivateKey": "a.pem" }),
            "/connection/userCertificate",
        ),
        (
            json!({ "host": "a", "endpoints": ["opc.tcp://a", "opc.tcp://b"] }),
            "/connection/endpoints",
        ),
        (
            json!({ "endpoints": ["opc.tcp://a"] }),
            "/connection/endpoints",
        ),
        (
            json!({ "endpoints": ["opc.tcp://a", "opc.tcp://a"] }),
            "/connection/endpoints/1",
        ),
        (
            json!({ "endpoints": ["opc.tcp://a", "http://b"] }),
            "/connection/endpoints/1",
        ),
        (
            json!({ "host": "a", "serviceLevelInterval": 1 }),
            "/connection/serviceLevelInterval",
        ),
        (
            json!({ "host": "a", "securityPolicy": "Basic256Sha256", "securityMode": "None" }),
            "/connection/securityMode",
        ),
        (
            json!({ "host": "a", "securityPolicy": "Basic256" }),
            "/connection/securityPolicy",
        ),
        (
            json!({ "host": "a", "password": "x" }),
            "/connection/password",
        ),
        (
            json!({ "host": "a", "keepAlive": 40_000 }),
            "/connection/keepAlive",
        ),
        (
            json!({ "host": "a", "maxInFlight": 0 }),
            "/connection/maxInFlight",
        ),
        (json!({ "host": "a", "port": 70_000 }), "/connection/port"),
        (json!("opc.tcp://a"), "/connection"),
    ] {
        assert_eq!(
            pointers(build(connection.clone(), Vec::new())),
            [pointer],
            "{connection}"
        );
    }
}

#[test]
fn scaling_makes_a_float_unless_the_file_says_otherwise() {
    for (given, defined) in [("", Scalar::F64), ("i32", Scalar::I32)] {
        let mut scaled = endpoint("a", given, Access::Read, json!({ "nodeId": "i=1" }));
        scaled.scaling = Some(Scaling {
            factor: 0.1,
            offset: 0.0,
        });
        let spec = AdapterSpec {
            name: "press".into(),
            connection: json!({ "host": "a" }),
            endpoints: vec![scaled],
            folder: "/nowhere".into(),
            home: std::path::PathBuf::new(),
        };
        let built = (KIND.build)(&spec).unwrap();
        assert_eq!(built.points[0].definition.value_type, defined.into());
    }
}

#[test]
fn the_schemas_name_every_option() {
    let options = |schema: Value| {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let readme = include_str!("../README.md");
    for schema in [(KIND.connection_schema)(), (KIND.endpoint_schema)()] {
        assert_eq!(schema["additionalProperties"], false);
        for option in options(schema) {
            assert!(
                readme.contains(&format!("`{option}`")),
                "README.md lacks {option}"
            );
        }
    }
}
