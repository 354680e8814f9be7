//! Configuration: what is accepted, what it means, and that every problem is named.

use mainstem_adapter::EndpointSpec;
use mainstem_model::{Access, Scalar, ValueType};
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Value, json};

use super::*;

fn endpoint(access: Access, operation: Value) -> EndpointSpec {
    EndpointSpec {
        name: "a".to_owned(),
        operation,
        interval: None,
        access,
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

fn spec(connection: Value, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    AdapterSpec {
        name: "plc".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

fn wrong(access: Access, operation: Value) -> Vec<String> {
    let spec = spec(json!({ "host": "plc" }), vec![endpoint(access, operation)]);
    let found = build(&spec).err().unwrap_or_default();
    let short = |problem: Problem| {
        let pointer = problem.pointer.strip_prefix("/endpoints/0/operation");
        pointer.unwrap().to_owned()
    };
    found.into_iter().map(short).collect()
}

fn derived(operation: Value) -> ValueType {
    let spec = spec(
        json!({ "host": "plc" }),
        vec![endpoint(Access::Read, operation)],
    );
    let built = build(&spec).map_err(|found| format!("{found:?}")).unwrap();
    built.points[0].definition.value_type
}

#[test]
fn types_are_derived() {
    assert_eq!(derived(json!({ "tagName": "a" })), Scalar::F64.into());
    assert_eq!(derived(json!({ "tagName": "a.3" })), Scalar::Bool.into());
    let typed = |word: &str, length: u16| {
        derived(json!({ "tagName": "a", "tagType": word, "length": length }))
    };
    assert_eq!(typed("dint", 1), Scalar::I32.into());
    assert_eq!(typed("STRING", 40), Scalar::Text.into());
    let array = |scalar| ValueType {
        scalar,
        array: true,
    };
    assert_eq!(typed("LREAL", 3), array(Scalar::F64));
    let packed = json!({ "tagName": "a[40]", "packed": true, "length": 9 });
    assert_eq!(derived(packed), array(Scalar::Bool));
}

#[test]
fn every_problem_of_an_endpoint_is_named() {
    let read = |operation| wrong(Access::Read, operation);
    assert_eq!(
        read(json!({ "tagName": "a", "programName": "Null" })),
        [] as [&str; 0]
    );
    assert_eq!(
        read(json!({ "tagName": "a", "programName": null })),
        [] as [&str; 0]
    );
    assert_eq!(read(json!({})), [""]);
    assert_eq!(read(json!({ "tagName": "1a" })), ["/tagName"]);
    assert_eq!(
        read(json!({ "tagName": "a", "programName": "x.y" })),
        ["/tagName"]
    );
    assert_eq!(
        read(json!({ "tagName": "a", "tagType": "MONEY" })),
        ["/tagType"]
    );
    assert_eq!(
        read(json!({ "tagName": "a.3", "tagType": "INT" })),
        ["/tagType"]
    );
    assert_eq!(
        read(json!({ "tagName": "a", "packed": true })),
        ["/tagName"]
    );
    assert_eq!(read(json!({ "tagName": "a", "length": 2 })), ["/length"]);
    assert_eq!(read(json!({ "tagName": "a.3", "length": 2 })), ["/length"]);
    let huge = json!({ "tagName": "a", "tagType": "INT", "length": 8192 });
    assert_eq!(read(huge), ["/length"]);
    assert_eq!(
        wrong(Access::Write, json!({ "tagName": "a" })),
        ["/tagType"]
    );
    let both = json!({ "tagName": "a", "interval": 1, "colour": 2 });
    assert_eq!(read(both).len(), 2);
}

#[test]
fn connections_are_checked() {
    let found = |connection: Value| -> Vec<String> {
        let found = build(&spec(connection, Vec::new()))
            .err()
            .unwrap_or_default();
        found.into_iter().map(|problem| problem.pointer).collect()
    };
    let good = json!({ "host": "plc", "slot": 3, "routePath": "1,4,2,10.0.0.1,1,0" });
    assert_eq!(found(good), [] as [&str; 0]);
    let bad = json!({ "host": "plc", "slot": 256, "routePath": "1", "operationTimeout": 1 });
    let mut seen = found(bad);
    seen.sort();
    let expected = [
        "/connection/operationTimeout",
        "/connection/routePath",
        "/connection/slot",
    ];
    assert_eq!(seen, expected);
    let strategy = json!({ "host": "plc", "connectionStrategy": { "initialDelay": 5 } });
    assert_eq!(
        found(strategy),
        ["/connection/connectionStrategy/initialDelay"]
    );
}

#[test]
fn the_sample_is_valid() {
    let documents = Yaml::load_from_str(KIND.sample).unwrap();
    let resources = documents[0]["resources"].as_mapping().unwrap();
    assert_eq!(resources.len(), 5);
    for (_, resource) in resources {
        let properties = &resource["properties"];
        for key in ["subscribe", "write"] {
            let Some(operation) = properties.as_mapping_get(key) else {
                continue;
            };
            let tag = operation["tagName"].as_str().unwrap();
            crate::path::TagPath::parse(None, tag).unwrap();
        }
    }
}
