//! The part `datapoints:`: its root, whose rights count, and that nothing comes back in circles.

use std::net::IpAddr;

use mainstem_bus::TopicFilter;
use mainstem_bus::config::{BusConfig, ROOT_BYTES_MAX};
use mainstem_points::{Root, RootError};
use serde_json::Value;

use crate::load::Draft;
use crate::node_config::AdapterConfig;

/// The kind whose adapters could read what the node publishes.
const MQTT: &str = "Mqtt";

/// What can be said of the part itself.
pub(super) fn check(draft: &mut Draft<'_>, section: &Value) {
    let Some(part) = section.get("datapoints").filter(|part| part.is_object()) else {
        return;
    };
    if let Some(text) = part.get("root").and_then(Value::as_str)
        && let Err(error) = Root::new(text)
    {
        let message = match error {
            RootError::Topic => "this is no topic to publish on".to_owned(),
            RootError::Length => format!("this has more than {ROOT_BYTES_MAX} bytes or 8 levels"),
            RootError::Broker => "topics that begin with `$` belong to the broker".to_owned(),
            RootError::Empty => "a level of this is empty".to_owned(),
        };
        let expected = "a topic without wildcards, such as `mainstem/line1`";
        draft.problem("/bus/datapoints/root", message, expected);
    }
    let has = |name: &str| part.get(name).is_some_and(|value| !value.is_null());
    let is_foreign = section.get("external").is_some_and(Value::is_object);
    let sets = part.get("set").and_then(Value::as_bool) == Some(true);
    if is_foreign && sets && !has("principal") {
        let message = "a foreign broker does not say who writes";
        let expected = "`principal`, the token whose rights apply to all who write there";
        draft.problem("/bus/datapoints/set", message, expected);
    }
    if !is_foreign && has("principal") {
        let message = "the node's own broker knows who writes";
        let expected = "this option left out, or `external`";
        draft.problem("/bus/datapoints/principal", message, expected);
    }
}

/// No adapter may subscribe to what this node publishes, nor publish what this node listens to.
pub(crate) fn circles(draft: &mut Draft<'_>, bus: Option<&BusConfig>, adapters: &[AdapterConfig]) {
    let Some(bus) = bus else { return };
    let Some(datapoints) = &bus.datapoints else {
        return;
    };
    let name = draft.json.pointer("/node/name").and_then(Value::as_str);
    let root = match &datapoints.root {
        Some(text) => Root::new(text).ok(),
        None => name.map(Root::of_node),
    };
    let Some(own) = root.and_then(|root| root.filter()) else {
        return;
    };
    let names = names(draft.json);
    let mut found = Vec::new();
    for adapter in adapters.iter().filter(|adapter| is_mqtt(adapter)) {
        if !is_here(bus, &adapter.spec.connection, &names) {
            continue;
        }
        for endpoint in &adapter.spec.endpoints {
            let topic = endpoint.operation.get("topic").and_then(Value::as_str);
            let filter = topic.and_then(|topic| TopicFilter::new(topic).ok());
            if filter.is_some_and(|filter| filter.overlaps(&own)) {
                found.push(format!(
                    "the endpoint `{}` of `{}` and the datapoints of this node have topics in \
                     common on the same broker: {own}",
                    endpoint.name, adapter.name
                ));
            }
        }
    }
    for message in found {
        let expected = "another `root`, or an endpoint whose topic is not below it";
        draft.problem("/bus/datapoints", message, expected);
    }
}

fn is_mqtt(adapter: &AdapterConfig) -> bool {
    adapter.kind.name.eq_ignore_ascii_case(MQTT)
}

/// Whether a connection leads to the broker of this bus.
fn is_here(bus: &BusConfig, connection: &Value, names: &[&str]) -> bool {
    let host = connection.get("host").and_then(Value::as_str).unwrap_or("");
    let scheme = connection.get("scheme").and_then(Value::as_str);
    let is_secure = matches!(scheme, Some("mqtts" | "tls"));
    let own = if is_secure { 8883 } else { 1883 };
    let port = connection.get("port").and_then(Value::as_u64);
    let port = port.unwrap_or(own);
    if let Some(external) = &bus.external {
        let theirs = external.port;
        let theirs = theirs.unwrap_or(if external.tls { 8883 } else { 1883 });
        return u64::from(theirs) == port && external.host.eq_ignore_ascii_case(host);
    }
    let ip: Option<IpAddr> = host.parse().ok();
    let is_local = host.eq_ignore_ascii_case("localhost")
        || ip.is_some_and(|ip| ip.is_loopback())
        || names.iter().any(|name| name.eq_ignore_ascii_case(host));
    let inlets = bus.embedded.iter().flat_map(|embedded| &embedded.listen);
    inlets
        .filter(|inlet| u64::from(inlet.address.port()) == port)
        .any(|inlet| is_local || ip == Some(inlet.address.ip()))
}

/// The names and addresses under which the node is reached, as far as the file tells.
fn names(json: &Value) -> Vec<&str> {
    let listen = json.get("listen").and_then(Value::as_array);
    let listen = listen.into_iter().flatten();
    let mut names = Vec::new();
    for entry in listen {
        let own = entry.get("names").and_then(Value::as_array);
        names.extend(own.into_iter().flatten().filter_map(Value::as_str));
        let address = entry.get("address").and_then(Value::as_str);
        names.extend(
            address
                .and_then(|text| text.rsplit_once(':'))
                .map(|(ip, _)| ip),
        );
    }
    names
}
