//! Sessions of this kind with a device on a port of this machine.

use mainstem_adapter::EndpointSpec;
use mainstem_adapter::conformance::with_options;
pub(crate) use mainstem_adapter::conformance::{Seen, SessionRig as Rig, endpoint};
use mainstem_adapter_bacnet::KIND;
use mainstem_model::Access;
use serde_json::{Value as Json, json};

pub(crate) fn read(operation: Json) -> EndpointSpec {
    endpoint(Access::Read, operation)
}

/// A session with a device at a port of this machine, with more connection options.
pub(crate) fn started(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Rig {
    let connection = json!({
        "deviceInstance": 2101, "deviceAddress": format!("127.0.0.1:{port}"),
        "timeout": 1000, "retries": 3,
    });
    let mut rig = Rig::of(&KIND, with_options(connection, options), endpoints);
    rig.start();
    rig
}
