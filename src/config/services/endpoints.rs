//! The topics of endpoints.

use mainstem_model::Name;
use mainstem_service::{EndpointAddress, EndpointOperation, Qos, Services};
use serde_json::Value;

use super::topics::Topics;
use crate::load::Draft;
use crate::names::{Resource, resources};

/// The topic of each endpoint whose properties are right.
pub(super) fn read(draft: &mut Draft<'_>, topics: &mut Topics, services: &mut Services) {
    for resource in resources(draft.json, "Endpoint") {
        let topic = resource.properties.get("topic").and_then(Value::as_str);
        let topic = topics.take(draft, resource.id, topic, &resource.pointer);
        if let (Some(topic), false) = (topic, draft.report.concerns(&resource.pointer)) {
            services.endpoints.extend(address(&resource, topic));
        }
    }
}

fn address(resource: &Resource<'_>, topic: String) -> Option<EndpointAddress> {
    let Resource { id, properties, .. } = resource;
    let text = |key| properties.get(key).and_then(Value::as_str);
    let operation = [
        ("subscribe", EndpointOperation::Subscribe),
        ("read", EndpointOperation::Read),
        ("write", EndpointOperation::Write),
    ];
    let (_, operation) = operation
        .into_iter()
        .find(|(key, _)| properties.get(key).is_some())?;
    let connection = text("connection")?;
    let name = text("name").map_or_else(|| format!("{connection}.{id}"), str::to_owned);
    let is_writable = match text("access") {
        Some(access) => access.contains('w'),
        None => operation == EndpointOperation::Write,
    };
    let qos = properties.get("qos").and_then(Value::as_u64);
    let qos = u8::try_from(qos.unwrap_or_default()).ok()?;
    Some(EndpointAddress {
        id: (*id).to_owned(),
        datapoint: Name::new(&name).ok()?,
        operation,
        is_writable,
        topic,
        qos: Qos::try_from(qos).ok()?,
        retain: properties.get("retain") == Some(&Value::Bool(true)),
        rules: Vec::new(),
    })
}
