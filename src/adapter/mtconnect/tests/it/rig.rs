//! Sessions of both kinds with a machine on this machine.

use mainstem_adapter::EndpointSpec;
pub(crate) use mainstem_adapter::conformance::SessionRig as Rig;
use mainstem_adapter::conformance::{Program, SessionRig, with_options};
use mainstem_adapter_mtconnect::{AGENT, SHDR};
use mainstem_model::{Access, Value};
use serde_json::{Value as Json, json};

/// A machine of this kind's own simulator, or nothing and a word about it.
pub(crate) async fn machine(options: &[&str]) -> Option<Program> {
    Program::start(
        "MTConnect against a machine in Python",
        "mtconnect_machine.py",
        options,
    )
    .await
}

/// The port of its agent.
pub(crate) fn agent_port(machine: &Program) -> u16 {
    u16::try_from(machine.first["agent"].as_u64().unwrap()).unwrap()
}

pub(crate) fn read(key: &str, data_type: &str) -> EndpointSpec {
    let operation = json!({ "key": key, "dataType": data_type });
    EndpointSpec {
        interval: None,
        ..mainstem_adapter::conformance::endpoint(Access::Read, operation)
    }
}

pub(crate) fn shdr(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> SessionRig {
    let connection = json!({
        "host": "127.0.0.1", "port": port, "timeout": 5000, "pingInterval": 100,
    });
    let mut rig = Rig::of(&SHDR, with_options(connection, options), endpoints);
    rig.start();
    rig
}

pub(crate) fn agent(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> SessionRig {
    let connection = json!({
        "host": "127.0.0.1", "port": port, "timeout": 3000, "interval": 20, "heartbeat": 300,
    });
    let mut rig = Rig::of(&AGENT, with_options(connection, options), endpoints);
    rig.start();
    rig
}

/// The content of a JSON value.
pub(crate) fn content(value: Option<&Value>) -> Json {
    match value {
        Some(Value::Json(text)) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// How often something was counted.
pub(crate) fn count(rig: &Rig, code: &str) -> u64 {
    let errors = rig.statistics.snapshot().errors;
    errors.get(code).copied().unwrap_or_default()
}
