//! Configuration: what is accepted, what it means, and that every problem is named.

use mainstem_adapter::conformance;
use mainstem_model::{Access, Scalar, ValueType};
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Value, json};

use super::*;

fn plc() -> Value {
    json!({ "host": "plc", "netId": "5.1.2.3.1.1" })
}

fn wrong(access: Access, operation: Value) -> Vec<String> {
    conformance::operation_problems(&KIND, plc(), access, operation)
}

fn derived(operation: Value) -> ValueType {
    conformance::derived_type(&KIND, plc(), operation)
}

#[test]
fn types_are_derived() {
    let of = |name: &str, length: Option<u32>| {
        let mut operation = json!({ "symbolName": "a" });
        if !name.is_empty() {
            operation["dataType"] = name.into();
        }
        if let Some(length) = length {
            operation["length"] = length.into();
        }
        derived(operation)
    };
    assert_eq!(of("", None), Scalar::F64.into());
    assert_eq!(of("int8", None), Scalar::I8.into());
    assert_eq!(of("real32", None), Scalar::F32.into());
    assert_eq!(of("DATE_AND_TIME", None), Scalar::Time.into());
    assert_eq!(of("STRING", Some(20)), Scalar::Text.into());
    assert_eq!(of("raw", Some(20)), Scalar::Bytes.into());
    let array = ValueType {
        scalar: Scalar::U16,
        array: true,
    };
    assert_eq!(of("WORD", Some(3)), array);
}

#[test]
fn every_problem_of_an_endpoint_is_named() {
    let read = |operation| wrong(Access::Read, operation);
    assert_eq!(read(json!({ "symbolName": "MAIN.a[3]" })), [] as [&str; 0]);
    let fixed = json!({ "indexGroup": "0x4020", "indexOffset": 4, "dataType": "int" });
    assert_eq!(read(fixed), [] as [&str; 0]);
    assert_eq!(read(json!({})), [""]);
    assert_eq!(read(json!({ "symbolName": "a", "indexGroup": 1 })), [""]);
    assert_eq!(read(json!({ "symbolName": "a b" })), ["/symbolName"]);
    assert_eq!(
        read(json!({ "indexGroup": 1, "indexOffset": 2 })),
        ["/dataType"]
    );
    let text = json!({ "indexGroup": 1, "indexOffset": 2, "dataType": "string" });
    assert_eq!(read(text), ["/length"]);
    assert_eq!(
        read(json!({ "indexGroup": -1, "indexOffset": "x" })).len(),
        2
    );
    assert_eq!(
        read(json!({ "symbolName": "a", "dataType": "money" })),
        ["/dataType"]
    );
    assert_eq!(read(json!({ "symbolName": "a", "length": 2 })), ["/length"]);
    let huge = json!({ "symbolName": "a", "dataType": "int", "length": 60000 });
    assert_eq!(read(huge), ["/length"]);
    assert_eq!(
        wrong(Access::Write, json!({ "symbolName": "a" })),
        ["/dataType"]
    );
    let both = json!({ "symbolName": "a", "interval": 1, "colour": 2 });
    assert_eq!(read(both).len(), 2);
}

#[test]
fn connections_are_checked() {
    let found = |connection| conformance::connection_problems(&KIND, connection);
    let good = json!({
        "host": "plc", "netId": "5.1.2.3.1.1", "port": 851, "localAddress": "10.1.1.1.1.1",
        "localPort": 32750, "routerTcpPort": 48898, "timeoutDelay": 2000,
        "connectionCheckEnabled": true, "connectionCheckInterval": 5000,
        "connectionDownDelay": 25000,
    });
    assert_eq!(found(good), [] as [&str; 0]);
    let bad = json!({ "host": "plc", "netId": "10.0.0.1", "timeoutDelay": 1 });
    assert_eq!(
        found(bad),
        ["/connection/netId", "/connection/timeoutDelay"]
    );
    assert_eq!(found(json!({ "host": "plc" })), ["/connection"]);
}

#[test]
fn the_sample_is_valid() {
    let documents = Yaml::load_from_str(KIND.sample).unwrap();
    let resources = documents[0]["resources"].as_mapping().unwrap();
    assert_eq!(resources.len(), 5);
}
