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
    let of = |address: &str| derived(json!({ "address": address }));
    assert_eq!(of("DB1.DBX0.0"), Scalar::Bool.into());
    assert_eq!(of("MW4"), Scalar::U16.into());
    assert_eq!(of("DB1,REAL4"), Scalar::F32.into());
    assert_eq!(of("T3"), Scalar::U32.into());
    let typed = |address: &str, word: &str, length: u16| {
        derived(json!({ "address": address, "dataType": word, "length": length }))
    };
    assert_eq!(typed("DB1.DBB0", "STRING", 20), Scalar::Text.into());
    assert_eq!(typed("DB1.DBB0", "DATE_AND_TIME", 1), Scalar::Time.into());
    let array = ValueType {
        scalar: Scalar::I16,
        array: true,
    };
    assert_eq!(typed("DB1.DBW0", "int", 4), array);
    assert_eq!(of("DB1,INT0.4"), array);
}

#[test]
fn every_problem_of_an_endpoint_is_named() {
    let read = |operation| wrong(Access::Read, operation);
    assert_eq!(read(json!({ "address": "DB1.DBW0" })), [] as [&str; 0]);
    assert_eq!(read(json!({})), [""]);
    assert_eq!(read(json!({ "address": "XW0" })), ["/address"]);
    assert_eq!(
        read(json!({ "address": "MB0", "dataType": "money" })),
        ["/dataType"]
    );
    assert_eq!(
        read(json!({ "address": "MB0", "dataType": "bool" })),
        ["/dataType"]
    );
    assert_eq!(
        read(json!({ "address": "M0.0", "dataType": "int" })),
        ["/dataType"]
    );
    assert_eq!(
        read(json!({ "address": "MB0", "dataType": "raw" })),
        ["/length"]
    );
    let long = json!({ "address": "MB0", "dataType": "string", "length": 255 });
    assert_eq!(read(long), ["/length"]);
    assert_eq!(read(json!({ "address": "M0.0", "length": 2 })), ["/length"]);
    assert_eq!(read(json!({ "address": "DB1.DBD65533" })), ["/address"]);
    assert_eq!(
        read(json!({ "address": "T1", "dataType": "int" })),
        ["/dataType"]
    );
    assert_eq!(
        wrong(Access::ReadWrite, json!({ "address": "T1" })),
        ["/address"]
    );
    let both = json!({ "address": "MB0", "interval": 1, "colour": 2 });
    assert_eq!(read(both).len(), 2);
}

#[test]
fn connections_are_checked() {
    let found = |connection| conformance::connection_problems(&KIND, connection);
    let good = json!({ "host": "plc", "localTSAP": "01.00", "remoteTSAP": "0x0301" });
    assert_eq!(found(good), [] as [&str; 0]);
    let bad = json!({ "host": "plc", "slot": 32, "remoteTSAP": "1", "pduSize": 100 });
    let expected = [
        "/connection/pduSize",
        "/connection/remoteTSAP",
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
fn rack_slot_and_type_make_the_access_point() {
    let remote = |connection: Value| {
        serde_json::from_value::<ConnectionConfig>(connection)
            .unwrap()
            .remote()
    };
    assert_eq!(remote(json!({ "host": "plc" })), 0x0102);
    let op = json!({ "host": "plc", "rack": 1, "slot": 3, "connectionType": "op" });
    assert_eq!(remote(op), 0x0223);
    assert_eq!(
        remote(json!({ "host": "plc", "remoteTSAP": "10.00" })),
        0x1000
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
            let address = operation["address"].as_str().unwrap();
            crate::address::Address::parse(address).unwrap();
        }
    }
}
