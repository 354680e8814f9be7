//! Configuration: what is accepted, what it means, and that every problem is named.

use mainstem_adapter::{EndpointSpec, Scaling};
use mainstem_model::Access;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

use super::*;

fn endpoint(name: &str, access: Access, operation: Value) -> EndpointSpec {
    EndpointSpec {
        name: name.to_owned(),
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

fn problems(connection: Value, endpoints: Vec<EndpointSpec>) -> Vec<(String, String)> {
    match build(&spec(connection, endpoints)) {
        Ok(_) => Vec::new(),
        Err(found) => found
            .into_iter()
            .map(|found| (found.pointer, found.message))
            .collect(),
    }
}

/// The pointers of the problems of one endpoint's operation.
fn wrong(access: Access, operation: Value) -> Vec<String> {
    let prefix = "/endpoints/0/operation";
    let found = problems(
        json!({ "host": "plc" }),
        vec![endpoint("a", access, operation)],
    );
    let short = |(pointer, _): (String, String)| pointer.strip_prefix(prefix).unwrap().to_owned();
    found.into_iter().map(short).collect()
}

fn scalar(operation: Value) -> Scalar {
    let spec = spec(
        json!({ "host": "plc" }),
        vec![endpoint("a", Access::Read, operation)],
    );
    build(&spec)
        .map_err(|found| format!("{found:?}"))
        .unwrap()
        .points[0]
        .definition
        .value_type
        .scalar
}

#[test]
fn types_are_derived() {
    assert_eq!(scalar(json!({ "fc": 1, "address": 0 })), Scalar::Bool);
    assert_eq!(
        scalar(json!({ "fc": 2, "address": 0, "length": 1 })),
        Scalar::Bool
    );
    assert_eq!(
        scalar(json!({ "fc": 1, "address": 0, "length": 12 })),
        Scalar::Bytes
    );
    assert_eq!(scalar(json!({ "fc": 3, "address": 0 })), Scalar::U16);
    assert_eq!(
        scalar(json!({ "fc": 3, "address": 0, "length": 1 })),
        Scalar::Bytes
    );
    assert_eq!(
        scalar(json!({ "fc": 3, "address": 0, "bit": 15 })),
        Scalar::Bool
    );
    let long = |word: &str| scalar(json!({ "fc": 4, "address": 0, "dataType": word }));
    assert_eq!(long("int64LEWS"), Scalar::I64);
    assert_eq!(long("floatBEWS"), Scalar::F32);
    let text = json!({ "fc": 4, "address": 0, "dataType": "string", "length": 8 });
    assert_eq!(scalar(text), Scalar::Text);
    let short = json!({ "fc": 4, "address": 0, "type": "f64", "word_order": "little" });
    assert_eq!(scalar(short), Scalar::F64);
}

#[test]
fn scaling_makes_a_float_unless_the_file_says_otherwise() {
    let mut scaled = endpoint("a", Access::Read, json!({ "fc": 3, "address": 0 }));
    scaled.scaling = Some(Scaling {
        factor: 0.1,
        offset: 0.0,
    });
    scaled.unit = Some("°C".into());
    let mut declared = scaled.clone();
    declared.value_type = Some(Scalar::I32.into());
    let built = build(&spec(json!({ "host": "plc" }), vec![scaled, declared]))
        .ok()
        .unwrap();
    assert_eq!(built.points[0].definition.value_type, Scalar::F64.into());
    assert_eq!(built.points[0].definition.unit.as_deref(), Some("°C"));
    assert_eq!(built.points[1].definition.value_type, Scalar::I32.into());
}

#[test]
fn units_are_devices_only_if_there_are_several() {
    let on = |unit: u8| {
        endpoint(
            "a",
            Access::Read,
            json!({ "fc": 3, "address": 0, "unitId": unit }),
        )
    };
    let built = build(&spec(json!({ "host": "plc" }), vec![on(7), on(7)]))
        .ok()
        .unwrap();
    assert!(built.devices.is_empty());
    assert_eq!(built.points[0].device, None);
    let own = endpoint("b", Access::Read, json!({ "fc": 3, "address": 0 }));
    let built = build(&spec(json!({ "host": "plc" }), vec![on(7), own, on(3)]))
        .ok()
        .unwrap();
    assert_eq!(built.devices, ["unit1", "unit3", "unit7"]);
    let devices: Vec<_> = built.points.iter().map(|point| point.device).collect();
    assert_eq!(devices, [Some(2), Some(0), Some(1)]);
}

#[test]
fn every_problem_is_reported() {
    let connection = json!({
        "port": 0,
        "unitId": 256,
        "socketTimeout": "soon",
        "maxBatchSize": 126,
        "colour": "red",
    });
    let endpoints = vec![
        endpoint("a", Access::Read, json!({ "fc": 7, "address": 70_000 })),
        endpoint("b", Access::Read, json!({ "adress": 1 })),
        endpoint("c", Access::Read, json!("40001")),
    ];
    let found: Vec<String> = problems(connection, endpoints)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    for pointer in [
        "/connection",
        "/connection/port",
        "/connection/unitId",
        "/connection/socketTimeout",
        "/connection/maxBatchSize",
        "/connection/colour",
        "/endpoints/0/operation/address",
        "/endpoints/1/operation/adress",
        "/endpoints/1/operation",
        "/endpoints/2/operation",
    ] {
        assert!(
            found.iter().any(|known| known == pointer),
            "{pointer} is missing in {found:?}"
        );
    }
}

#[test]
fn wrong_endpoints_are_named() {
    let read = |operation: Value| wrong(Access::Read, operation);
    assert_eq!(read(json!({ "fc": 7, "address": 0 })), ["/fc"]);
    assert_eq!(read(json!({ "fc": 16, "address": 0 })), ["/fc"]);
    assert_eq!(
        read(json!({ "fc": 3, "address": 0, "dataType": "floatXX" })),
        ["/dataType"]
    );
    assert_eq!(
        read(json!({ "fc": 3, "address": 0, "dataType": "int32BE", "length": 1 })),
        ["/length"]
    );
    assert_eq!(
        read(json!({ "fc": 3, "address": 0, "dataType": "string" })),
        ["/length"]
    );
    assert_eq!(
        read(json!({ "fc": 3, "address": 0, "length": 126 })),
        ["/length"]
    );
    assert_eq!(
        read(json!({ "fc": 1, "address": 0, "length": 2001 })),
        ["/length"]
    );
    assert_eq!(
        read(json!({ "fc": 3, "address": 65_535, "type": "f32" })),
        ["/address"]
    );
    assert_eq!(read(json!({ "fc": 3, "address": 0, "bit": 16 })), ["/bit"]);
    assert_eq!(read(json!({ "fc": 1, "address": 0, "bit": 1 })), ["/bit"]);
    assert_eq!(
        read(json!({ "fc": 1, "address": 0, "type": "u16" })),
        ["/type"]
    );
    assert_eq!(
        read(json!({ "fc": 3, "address": 0, "type": "u16", "bit": 1 })),
        ["/type"]
    );
    let both = json!({ "fc": 3, "address": 0, "type": "u16", "dataType": "uint16BE" });
    assert_eq!(read(both), ["/type"]);
    let twice = json!({ "fc": 3, "address": 0, "dataType": "floatBE", "word_order": "big" });
    assert_eq!(read(twice), ["/word_order"]);
    assert_eq!(
        wrong(Access::ReadWrite, json!({ "fc": 4, "address": 0 })),
        ["/fc"]
    );
    assert_eq!(
        wrong(Access::ReadWrite, json!({ "fc": 5, "address": 0 })),
        ["/fc"]
    );
    assert_eq!(
        wrong(
            Access::Write,
            json!({ "fc": 6, "address": 0, "type": "f32" })
        ),
        ["/fc"]
    );
    assert_eq!(
        wrong(
            Access::Write,
            json!({ "fc": 16, "address": 0, "length": 124 })
        ),
        ["/length"]
    );
    assert_eq!(
        wrong(
            Access::Write,
            json!({ "fc": 16, "address": 0, "length": 123 })
        ),
        [""; 0]
    );
}

#[test]
fn the_back_off_is_checked() {
    let strategy = json!({ "initialDelay": 500, "maxDelay": 400, "incrementFactor": 1 });
    let found = problems(
        json!({ "host": "plc", "connectionStrategy": strategy }),
        vec![],
    );
    assert_eq!(found.len(), 3, "{found:?}");
    let sound = json!({ "host": "plc", "connectionStrategy": { "initialDelay": 2000 } });
    assert!(problems(sound, vec![]).is_empty());
}

#[test]
fn a_transport_needs_its_own_options_and_no_others() {
    let tls = json!({ "ca": "ca.pem" });
    for (connection, pointers) in [
        (json!({ "transport": "rtu" }), vec!["/connection"]),
        (
            json!({ "transport": "rtu", "device": "/dev/ttyS0" }),
            vec![],
        ),
        (
            json!({ "transport": "rtu", "device": "/dev/ttyS0", "host": "plc" }),
            vec!["/connection/host"],
        ),
        (
            json!({ "host": "plc", "device": "/dev/ttyS0" }),
            vec!["/connection/device"],
        ),
        (json!({ "transport": "rtuOverTcp", "host": "plc" }), vec![]),
        (
            json!({ "transport": "tls", "host": "plc" }),
            vec!["/connection"],
        ),
        (
            json!({ "transport": "tls", "host": "plc", "tls": tls }),
            vec![],
        ),
        (
            json!({ "host": "plc", "tls": tls }),
            vec!["/connection/tls"],
        ),
        (
            json!({ "transport": "tls", "host": "plc", "tls": {} }),
            vec!["/connection/tls"],
        ),
        (
            json!({ "transport": "tls", "host": "plc", "tls": { "pin": "sha256:0" } }),
            vec!["/connection/tls/pin"],
        ),
    ] {
        let found = problems(connection.clone(), vec![]);
        let found: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(found, pointers, "{connection}");
    }
}

#[test]
fn the_schemas_name_every_option() {
    let keys = |schema: Value| {
        let keys = schema["properties"].as_object().unwrap().keys().cloned();
        keys.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        keys((KIND.connection_schema)()),
        "transport host port tls device baudRate parity stopBits requestGap retries maxConnections unitId \
         socketTimeout batchReadEnabled maxBatchSize maxGap readBack \
         connectionStrategy"
    );
    let endpoint = (KIND.endpoint_schema)();
    assert_eq!(
        keys(endpoint.clone()),
        "unitId fc address length dataType type word_order byte_order bit noMerge interval"
    );
    let readme = include_str!("../README.md");
    for schema in [(KIND.connection_schema)(), endpoint] {
        for key in schema["properties"].as_object().unwrap().keys() {
            assert!(
                readme.contains(&format!("| `{key}` |")),
                "README has no row for {key}"
            );
        }
    }
}

fn json_of(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Tagged(_, inner) => json_of(inner),
        Yaml::Mapping(map) => {
            let pair = |(key, value): (&Yaml<'_>, &Yaml<'_>)| {
                (key.as_str().unwrap().to_owned(), json_of(value))
            };
            Value::Object(map.iter().map(pair).collect())
        }
        _ => match (yaml.as_str(), yaml.as_integer(), yaml.as_bool()) {
            (Some(text), ..) => json!(text),
            (_, Some(number), _) => json!(number),
            (.., Some(flag)) => json!(flag),
            _ => Value::Null,
        },
    }
}

#[test]
fn the_sample_builds() {
    let documents = Yaml::load_from_str(KIND.sample).unwrap();
    let sample = json_of(&documents[0]);
    let mut connection = Value::Null;
    let mut endpoints = Vec::new();
    for (name, resource) in sample["resources"].as_object().unwrap() {
        let properties = &resource["properties"];
        if resource["type"] == "Cybus::Connection" {
            connection = properties["connection"].clone();
            continue;
        }
        let (access, operation) = match (properties.get("write"), properties.get("access")) {
            (Some(write), _) => (Access::Write, write),
            (_, Some(access)) if access == "rw" => (Access::ReadWrite, &properties["subscribe"]),
            _ => (Access::Read, &properties["subscribe"]),
        };
        endpoints.push(endpoint(name, access, operation.clone()));
    }
    assert_eq!(endpoints.len(), 4);
    assert_eq!(problems(connection, endpoints), []);
}
