//! bacpypes3, somebody else's implementation, as a program of its own.

use mainstem_adapter::conformance::Program;
use serde_json::Value as Json;

const WHAT: &str = "BACnet against bacpypes3";

pub(crate) struct Foreign {
    pub(crate) port: u16,
    pub(crate) entries: Vec<Json>,
    program: Program,
}

/// Whether there is a Python that has bacpypes3; a word about it if not.
pub(crate) fn is_there() -> bool {
    mainstem_adapter::conformance::python(WHAT).is_some()
}

impl Foreign {
    /// A device, or nothing and a word about it if no Python was named.
    pub(crate) async fn start(options: &[&str]) -> Option<Self> {
        let program = Program::start(WHAT, "bacnet_device.py", options).await?;
        Some(Self {
            port: program.port(),
            entries: program.list("entries"),
            program,
        })
    }

    pub(crate) async fn command(&mut self, command: &str) -> Json {
        self.program.command(command).await
    }
}
