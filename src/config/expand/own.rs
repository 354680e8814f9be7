//! What a file is called itself: `Cybus::ServiceId` and `Cybus::MqttRoot`.

use mainstem_service::service_id;

use super::Expander;
use crate::tree::{Data, Entry, Node};

/// The definition that replaces the root of topics.
const ROOT: &str = "CYBUS_MQTT_ROOT";
/// The service's id, for `!ref` and `!sub`.
const SERVICE_ID: &str = "Cybus::ServiceId";
/// The root of its topics.
const MQTT_ROOT: &str = "Cybus::MqttRoot";

/// What the node is called, as written: its `service_id`, else its `name`.
pub(super) fn named(entries: &[Entry]) -> Option<Node> {
    let node = entries.iter().find(|entry| entry.key == "node")?;
    let id = node.value.get("service_id");
    id.or_else(|| node.value.get("name")).cloned()
}

impl Expander<'_> {
    /// Defines both, and gives the root that the file itself defines.
    pub(super) fn define_own(&mut self, named: Option<Node>) -> Option<String> {
        let place = named.as_ref().map(|named| named.span);
        let name = named.and_then(|named| self.node(named, "/node", 1));
        let id = name.as_ref().and_then(Node::text).and_then(service_id);
        let root = self.definition(ROOT).and_then(|root| root.scalar_text());
        if let (Some(id), Some(place)) = (id, place) {
            let text = |text: String| Node::new(Data::Text(text), place);
            let whole = root.clone().unwrap_or_else(|| format!("services/{id}"));
            self.written.insert(SERVICE_ID.into(), text(id));
            self.written.insert(MQTT_ROOT.into(), text(whole));
        }
        root
    }
}
