//! Servers, server nodes, mappings and the topics of endpoints.

mod endpoints;
mod family;
mod http;
mod idle;
mod loops;
mod mappings;
mod modbus;
mod opcua;
mod references;
mod rules;
mod topics;

use mainstem_service::{ServiceAddress, Services, service_id};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::load::Draft;
use crate::names::{Resource, resources};
use crate::schema::Section;
use family::Family;
pub(crate) use idle::{idle, nowhere};
use references::References;
use topics::Topics;

/// The resources that are right.
pub(crate) fn read(draft: &mut Draft<'_>) -> Option<Services> {
    let mut services = Services::none(address(draft)?);
    let mut topics = Topics::new(services.address.clone());
    endpoints::read(draft, &mut topics, &mut services);
    http::servers(draft, &mut services);
    opcua::server(draft, &mut services);
    modbus::servers(draft, &mut services);
    let family = Family::read(draft);
    http::nodes(draft, &family, &mut topics, &mut services);
    opcua::nodes(draft, &family, &mut topics, &mut services);
    opcua::objects(draft);
    modbus::nodes(draft, &family, &mut services);
    services
        .opcua_nodes
        .sort_by_key(|node| family.depth(&node.head.id));
    let references = References::new(draft, &services);
    mappings::read(draft, &references, &mut services);
    loops::check(draft, &services.mappings);
    Some(services)
}

fn address(draft: &mut Draft<'_>) -> Option<ServiceAddress> {
    let text = |key| draft.json.pointer(key).and_then(Value::as_str);
    let id = match text("/node/service_id") {
        Some(id) => id.to_owned(),
        None => {
            let name = text("/node/name")?;
            let Some(id) = service_id(name) else {
                let message = format!("`{name}` makes no service id");
                let expected = "`service_id` with letters, digits, `_` and `.`, for the topics";
                draft.problem("/node/name", message, expected);
                return None;
            };
            id
        }
    };
    match ServiceAddress::new(&id, draft.mqtt_root) {
        Ok(address) => Some(address),
        Err(error) => {
            let root = draft.mqtt_root.unwrap_or(&id);
            let message = format!("`{root}` cannot stand before topics: {error}");
            let expected = "levels joined by `/`, without `+` and `#`, in `CYBUS_MQTT_ROOT`";
            draft.problem("/node", message, expected);
            None
        }
    }
}

/// The properties of each resource of a type, checked by the schema and read.
fn each<T>(draft: &mut Draft<'_>, wanted: &str) -> Vec<(T, String, String)>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    let section = Section::of::<T>();
    let mut found = Vec::new();
    for Resource {
        id,
        properties,
        pointer,
    } in resources(draft.json, wanted)
    {
        let mut properties = properties.clone();
        section.prune(&mut properties);
        section.check(&properties, draft.tree, &pointer, draft.report);
        if let Some(read) = draft.read::<T>(&properties, &pointer) {
            found.push((read, id.to_owned(), pointer));
        }
    }
    found
}
