//! How well a server of a redundant set can serve us (part 5, 6.3.1).

use opcua::types::{Error, NodeId, VariableId, Variant};

use super::requests::Requests;

/// What a server that knows nothing of levels has: everything works.
const UNKNOWN: u8 = 255;

impl Requests {
    /// The ServiceLevel now.
    pub(crate) async fn service_level(&self) -> Result<u8, Error> {
        let node = NodeId::from(VariableId::Server_ServiceLevel);
        let found = self.read_values(vec![node]).await?;
        Ok(match found.first().and_then(|found| found.value.as_ref()) {
            Some(Variant::Byte(level)) => *level,
            _ => UNKNOWN,
        })
    }
}
