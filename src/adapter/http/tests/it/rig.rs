//! A runner over a service.

use std::time::Duration;

use mainstem_adapter::conformance::{Rig, with_options};
use mainstem_adapter::{AdapterSpec, EndpointSpec};
use mainstem_adapter_http::KIND;
use mainstem_model::{Access, ValueType};
use serde_json::{Value as Json, json};

/// How long a write may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) fn endpoint(name: &str, access: Access, kind: &str, operation: Json) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        operation,
        interval: None,
        access,
        value_type: Some(kind.parse::<ValueType>().unwrap()),
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

pub(crate) fn spec(port: u16, more: &Json, endpoints: Vec<EndpointSpec>) -> AdapterSpec {
    let connection = json!({
        "scheme": "http", "host": "127.0.0.1", "port": port, "probeInterval": 200,
        "requestTimeout": 400,
    });
    AdapterSpec {
        name: "mes".into(),
        connection: with_options(connection, more),
        endpoints,
        folder: "unused".into(),
        home: "unused".into(),
    }
}

pub(crate) fn start(spec: AdapterSpec) -> Rig {
    Rig::start(KIND, spec)
}
