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
        name: "ahu".into(),
        connection,
        endpoints,
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    }
}

fn derived(operation: Value) -> ValueType {
    let spec = spec(
        json!({ "deviceInstance": 1 }),
        vec![endpoint(Access::Read, operation)],
    );
    let built = build(&spec).map_err(|found| format!("{found:?}")).unwrap();
    built.points[0].definition.value_type
}

fn wrong_connection(connection: Value) -> Vec<String> {
    let found = build(&spec(connection, Vec::new())).err();
    let pointers = found.unwrap_or_default().into_iter();
    pointers.map(|problem| problem.pointer).collect()
}

#[test]
fn types_are_derived() {
    let of = |kind: &str, property: &str| {
        derived(json!({ "objectType": kind, "objectInstance": 1, "property": property }))
    };
    assert_eq!(of("analog-input", "present-value"), Scalar::F32.into());
    assert_eq!(of("binary-value", "presentValue"), Scalar::Bool.into());
    assert_eq!(of("multi-state-input", "85"), Scalar::U32.into());
    assert_eq!(
        of("characterstring-value", "present-value"),
        Scalar::Text.into()
    );
    assert_eq!(of("device", "OBJECT_NAME"), Scalar::Text.into());
    assert_eq!(of("analog-input", "9999"), Scalar::Json.into());
    assert!(of("analog-input", "status-flags").array);
    let own = json!({ "objectType": 600, "objectInstance": 1, "dataType": "double" });
    assert_eq!(derived(own), Scalar::F64.into());
}

#[test]
fn every_problem_of_a_connection_is_named() {
    let found = wrong_connection(json!({
        "deviceInstance": 1, "deviceAddress": "a b", "maxApdu": 500, "mac": "0x",
        "cov": { "covLifetimeSeconds": 1 }, "connectionStrategy": { "initialDelay": 1 },
    }));
    let wanted = [
        "/connection/connectionStrategy/initialDelay",
        "/connection/deviceAddress",
        "/connection/maxApdu",
        "/connection/cov/covLifetimeSeconds",
        "/connection/mac",
        "/connection/mac",
    ];
    assert_eq!(found, wanted);
    assert_eq!(wrong_connection(json!({})), ["/connection"]);
    let nobody = json!({ "deviceInstance": 4_194_303 });
    assert_eq!(wrong_connection(nobody), ["/connection/deviceInstance"]);
}

#[test]
fn every_problem_of_an_endpoint_is_named() {
    let wrong = |access, operation| {
        let spec = spec(
            json!({ "deviceInstance": 1 }),
            vec![endpoint(access, operation)],
        );
        let found = build(&spec).err().unwrap_or_default().into_iter();
        let short = |problem: Problem| {
            let pointer = problem.pointer.strip_prefix("/endpoints/0/operation/");
            pointer.unwrap().to_owned()
        };
        found.map(short).collect::<Vec<_>>()
    };
    let both = json!({
        "objectType": "x", "objectInstance": 1, "property": "y", "relinquish": true,
    });
    assert_eq!(
        wrong(Access::Read, both),
        ["objectType", "property", "relinquish", "relinquish"]
    );
    let name = json!({
        "objectType": 0, "objectInstance": 1, "property": "object-name", "cov": true,
    });
    assert_eq!(wrong(Access::Read, name), ["cov"]);
}

#[test]
fn the_sample_builds() {
    let sample = Yaml::load_from_str(KIND.sample).unwrap();
    let resources = sample[0]["resources"].as_mapping().unwrap();
    assert_eq!(resources.len(), 5);
    assert!(KIND.sample.contains("protocol: Bacnet"));
}
