//! Sessions of this kind with a device on a port of this machine.

use mainstem_adapter::EndpointSpec;
use mainstem_adapter::conformance::with_options;
pub(crate) use mainstem_adapter::conformance::{SessionRig as Rig, endpoint};
use mainstem_adapter_s7::KIND;
use mainstem_model::Access;
use serde_json::{Value as Json, json};

pub(crate) fn read(operation: Json) -> EndpointSpec {
    endpoint(Access::Read, operation)
}

/// An adapter for a port of this machine, with more connection options.
pub(crate) fn idle(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Rig {
    let connection = json!({
        "host": "127.0.0.1", "port": port, "operationTimeout": 400, "connectionTimeout": 1000,
    });
    Rig::of(&KIND, with_options(connection, options), endpoints)
}

/// The same; its first session has begun.
pub(crate) fn started(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Rig {
    let mut rig = idle(port, options, endpoints);
    rig.start();
    rig
}
