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

/// Connections, and where each contradicts itself.
const CONTRADICTIONS: [(&str, &str); 22] = [
    (r#"{}"#, "/connection/host"),
    (r#"{ "host": "a b" }"#, "/connection/host"),
    (
        r#"{ "host": "a", "endpointUrl": "opc.tcp://a" }"#,
        "/connection/endpointUrl",
    ),
    (
        r#"{ "endpointUrl": "http://a" }"#,
        "/connection/endpointUrl",
    ),
    (
        r#"{ "endpointUrl": "opc.tcp://a", "port": 1 }"#,
        "/connection/port",
    ),
    (
        r#"{ "host": "a", "securityPolicy": "None", "securityMode": "Sign" }"#,
        "/connection/securityMode",
    ),
    (
        r#"{ "host": "a", "securityMode": "None" }"#,
        "/connection/securityMode",
    ),
    (
        r#"{ "host": "a", "username": "x", "userCertificate": "a", "userPrivateKey": "b" }"#,
        "/connection/userCertificate",
    ),
    (
        r#"{ "host": "a", "userCertificate": "a.pem" }"#,
        "/connection/userPrivateKey",
    ),
    (
        r#"{ "host": "a", "userPrivateKey": "a.pem" }"#,
        "/connection/userCertificate",
    ),
    (
        r#"{ "host": "a", "endpoints": ["opc.tcp://a", "opc.tcp://b"] }"#,
        "/connection/endpoints",
    ),
    (
        r#"{ "endpoints": ["opc.tcp://a"] }"#,
        "/connection/endpoints",
    ),
    (
        r#"{ "endpoints": ["opc.tcp://a", "opc.tcp://a"] }"#,
        "/connection/endpoints/1",
    ),
    (
        r#"{ "endpoints": ["opc.tcp://a", "http://b"] }"#,
        "/connection/endpoints/1",
    ),
    (
        r#"{ "host": "a", "serviceLevelInterval": 1 }"#,
        "/connection/serviceLevelInterval",
    ),
    (
        r#"{ "host": "a", "securityPolicy": "Basic256Sha256", "securityMode": "None" }"#,
        "/connection/securityMode",
    ),
    (
        r#"{ "host": "a", "securityPolicy": "Basic256" }"#,
        "/connection/securityPolicy",
    ),
    (
        r#"{ "host": "a", "password": "x" }"#,
        "/connection/password",
    ),
    (
        r#"{ "host": "a", "keepAlive": 40000 }"#,
        "/connection/keepAlive",
    ),
    (
        r#"{ "host": "a", "maxInFlight": 0 }"#,
        "/connection/maxInFlight",
    ),
    (r#"{ "host": "a", "port": 70000 }"#, "/connection/port"),
    (r#""opc.tcp://a""#, "/connection"),
];

#[test]
fn options_that_contradict_each_other_are_refused() {
    for (text, pointer) in CONTRADICTIONS {
        let connection: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            pointers(build(connection.clone(), Vec::new())),
            [pointer],
            "{connection}"
        );
    }
}

#[test]
fn an_option_that_does_nothing_or_too_much_is_refused() {
    let node = "ns=2;s=Speed";
    for (access, operation, pointer) in [
        (
            Access::Read,
            json!({ "nodeId": node, "browsePath": "a" }),
            "browsePath",
        ),
        (Access::Read, json!({ "browsePath": "a//b" }), "browsePath"),
        (
            Access::Read,
            json!({ "nodeId": node, "browsePathPrefix": "a" }),
            "browsePathPrefix",
        ),
        (
            Access::Read,
            json!({ "nodeId": node, "nodeType": "Method" }),
            "nodeType",
        ),
        (
            Access::Write,
            json!({ "nodeId": node, "objectId": "i=85" }),
            "objectId",
        ),
        (
            Access::Write,
            json!({ "nodeId": node, "nodeType": "Method", "objectId": "x" }),
            "objectId",
        ),
        (
            Access::Write,
            json!({ "nodeId": node, "nodeType": "Method", "callTimeout": 1 }),
            "callTimeout",
        ),
    ] {
        assert_refused(access, &operation, pointer);
    }
}

fn assert_refused(access: Access, operation: &Value, pointer: &str) {
    let given = endpoint("a", "json", access, operation.clone());
    let found = pointers(build(json!({ "host": "a" }), vec![given]));
    let expected = format!("/endpoints/0/operation/{pointer}");
    assert_eq!(found, [expected], "{operation}");
}

#[test]
fn options_of_events_and_values_are_checked() {
    let node = "ns=2;s=Speed";
    for (access, operation, pointer) in [
        (
            Access::ReadWrite,
            json!({ "fields": ["Message"] }),
            "nodeType",
        ),
        (
            Access::Read,
            json!({ "fields": ["Message", "Message"] }),
            "fields/1",
        ),
        (Access::Read, json!({ "fields": [] }), "fields"),
        (Access::Read, json!({ "fields": [""] }), "fields/0"),
        (
            Access::Read,
            json!({ "eventTypes": ["Batch"] }),
            "eventTypes/0",
        ),
        (Access::Read, json!({ "minSeverity": 1001 }), "minSeverity"),
        (
            Access::Read,
            json!({ "minSeverity": 1, "indexRange": "1" }),
            "indexRange",
        ),
        (
            Access::Read,
            json!({ "nodeId": node, "indexRange": "3:1" }),
            "indexRange",
        ),
        (
            Access::Read,
            json!({ "nodeId": node, "deadband": -1.0 }),
            "deadband",
        ),
        (
            Access::Read,
            json!({ "nodeId": node, "deadband": 101.0, "deadbandType": "Percent" }),
            "deadband",
        ),
        (
            Access::Read,
            json!({ "nodeId": node, "attributeId": 28 }),
            "attributeId",
        ),
        (
            Access::ReadWrite,
            json!({ "nodeId": node, "attributeId": 4 }),
            "attributeId",
        ),
    ] {
        assert_refused(access, &operation, pointer);
    }
    let events = endpoint("a", "", Access::Read, json!({ "minSeverity": 500 }));
    assert_eq!(build(json!({ "host": "a" }), vec![events]).unwrap(), 1);
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
