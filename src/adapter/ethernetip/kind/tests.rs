//! Configuration: what is accepted, what it means, and that every problem is named.

use mainstem_adapter::conformance;
use mainstem_model::{Access, Scalar, ValueType};
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Value, json};

use super::*;

fn wrong(access: Access, operation: Value) -> Vec<String> {
    conformance::operation_problems(&KIND, json!({ "host": "plc" }), access, operation)
}

fn derived(operation: Value) -> ValueType {
    conformance::derived_type(&KIND, json!({ "host": "plc" }), operation)
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
    let found = |connection| conformance::connection_problems(&KIND, connection);
    let good = json!({ "host": "plc", "slot": 3, "routePath": "1,4,2,10.0.0.1,1,0" });
    assert_eq!(found(good), [] as [&str; 0]);
    let bad = json!({ "host": "plc", "slot": 256, "routePath": "1", "operationTimeout": 1 });
    let expected = [
        "/connection/operationTimeout",
        "/connection/routePath",
        "/connection/slot",
    ];
    assert_eq!(found(bad), expected);
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
