//! Kinds for these tests, with the options of the real ones as far as the tests use them. They
//! stand in for nothing else: the real kinds are held against `config/node.yaml` where the
//! program is put together.

use mainstem_adapter::{
    Adapter, AdapterIo, AdapterSpec, BoxFuture, Built, Kind, Point, Problem, SessionEnd,
};
use mainstem_model::{Definition, Scalar, ValueType};
use serde_json::{Value, json};

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        name: "Modbus",
        summary: "Modbus TCP",
        sample: "",
        connection_schema: modbus_connection,
        endpoint_schema: modbus_endpoint,
        build: modbus_build,
        explore: None,
    },
    Kind {
        name: "Opcua",
        summary: "OPC UA",
        sample: "",
        connection_schema: opcua_connection,
        endpoint_schema: opcua_endpoint,
        build: any_build,
        explore: None,
    },
    Kind {
        name: "Simulator",
        summary: "simulated devices",
        sample: "",
        connection_schema: anything,
        endpoint_schema: simulator_endpoint,
        build: any_build,
        explore: None,
    },
    Kind {
        name: "System",
        summary: "the machine",
        sample: "",
        connection_schema: nothing,
        endpoint_schema: no_endpoints,
        build: system_build,
        explore: None,
    },
    Kind {
        name: "Mixed",
        summary: "endpoints beside datapoints of its own",
        sample: "",
        connection_schema: nothing,
        endpoint_schema: anything,
        build: system_build,
        explore: None,
    },
];

struct Waiting;

impl Adapter for Waiting {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        let stopped = io.stopped();
        Box::pin(async move {
            stopped.await;
            Ok(())
        })
    }
}

fn modbus_connection() -> Value {
    json!({
        "type": "object",
        "properties": {
            "host": {"type": "string", "minLength": 1},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "unitId": {"type": "integer", "minimum": 0, "maximum": 255},
            "wordOrder": {"anyOf": [{"oneOf": [{"const": "big"}, {"const": "little"}]},
                {"type": "null"}]},
            "password": {"type": "string", "minLength": 8}
        },
        "required": ["host"],
        "additionalProperties": false
    })
}

fn modbus_endpoint() -> Value {
    json!({
        "type": "object",
        "properties": {
            "fc": {"enum": [1, 2, 3, 4, 5, 6, 15, 16]},
            "address": {"type": "integer", "minimum": 0, "maximum": 65535},
            "length": {"type": "integer", "minimum": 1, "maximum": 125},
            "dataType": {"type": "string"}
        },
        "required": ["fc", "address"],
        "additionalProperties": false
    })
}

fn opcua_connection() -> Value {
    json!({
        "type": "object",
        "properties": {"endpointUrl": {"type": "string"}},
        "required": ["endpointUrl"],
        "additionalProperties": false
    })
}

fn opcua_endpoint() -> Value {
    json!({
        "type": "object",
        "properties": {"nodeId": {"type": "string"}, "interval": {"type": ["integer", "string"]}},
        "required": ["nodeId"],
        "additionalProperties": false
    })
}

fn anything() -> Value {
    json!({"type": "object"})
}

fn simulator_endpoint() -> Value {
    let one = |word: &str, key: &str| {
        json!({
            "type": "object",
            "properties": {"signal": {"type": "string", "const": word}, key: {"type": "number"}},
            "required": ["signal", key],
            "additionalProperties": false
        })
    };
    json!({"oneOf": [one("sine", "period_s"), one("counter", "step")]})
}

fn nothing() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

fn no_endpoints() -> Value {
    json!({"not": {}})
}

fn modbus_build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    if spec.connection.get("host").and_then(Value::as_str) == Some("0.0.0.0") {
        problems.push(Problem::new(
            "/connection/host",
            "0.0.0.0 is no device",
            "its address",
        ));
    }
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let number = |key| endpoint.operation.get(key).and_then(Value::as_u64);
        if number("address").unwrap_or(0) + number("length").unwrap_or(1) > 65536 {
            let pointer = format!("/endpoints/{index}/operation/address");
            let message = "the last register is beyond 65535";
            problems.push(Problem::new(
                pointer,
                message,
                "address + length up to 65536",
            ));
        }
        if endpoint.value_type == Some(ValueType::from(Scalar::Json)) {
            let pointer = format!("/endpoints/{index}/value_type");
            problems.push(Problem::new(
                pointer,
                "registers are no JSON",
                "another type",
            ));
        }
    }
    if problems.is_empty() {
        any_build(spec)
    } else {
        Err(problems)
    }
}

fn any_build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let point = |(index, endpoint): (usize, &mainstem_adapter::EndpointSpec)| Point {
        name: endpoint.name.clone(),
        definition: Definition::new(Scalar::F64),
        endpoint: Some(index),
        device: None,
    };
    let points = spec.endpoints.iter().enumerate().map(point).collect();
    Ok(Built {
        adapter: Box::new(Waiting),
        points,
        devices: Vec::new(),
    })
}

fn system_build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut built = any_build(spec)?;
    built.points.push(Point {
        name: "uptime".into(),
        definition: Definition::new(Scalar::F64),
        endpoint: None,
        device: None,
    });
    Ok(built)
}
