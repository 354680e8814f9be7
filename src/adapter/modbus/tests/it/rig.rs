//! Sessions of this kind with a device on a port of this machine.

use std::sync::Arc;
use std::time::Instant;

use mainstem_adapter::EndpointSpec;
use mainstem_adapter::conformance::with_options;
pub(crate) use mainstem_adapter::conformance::{PATIENCE, Seen, SessionRig as Rig, endpoint};
use mainstem_adapter_modbus::KIND;
use mainstem_model::Access;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

pub(crate) fn read(operation: Json) -> EndpointSpec {
    endpoint(Access::Read, operation)
}

/// An adapter for a port of this machine, with more connection options.
pub(crate) fn idle(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Rig {
    let connection = json!({ "host": "127.0.0.1", "port": port, "socketTimeout": 300 });
    Rig::of(&KIND, with_options(connection, options), endpoints)
}

/// The same; its first session has begun.
pub(crate) fn started(port: u16, options: &Json, endpoints: Vec<EndpointSpec>) -> Rig {
    let mut rig = idle(port, options, endpoints);
    rig.start();
    rig
}

/// Waits until something that is not reported by the adapter becomes true.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "never came: {what}");
        tokio::task::yield_now().await;
    }
}

/// A list that a test and a device share.
pub(crate) type Shared<T> = Arc<Mutex<T>>;
