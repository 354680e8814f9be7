//! The section `bus:`.

mod datapoints;

use mainstem_bus::config::BusConfig;
use serde_json::Value;

use crate::load::Draft;
pub(crate) use datapoints::circles;

/// The section, if it is there and right.
pub(crate) fn read(draft: &mut Draft<'_>) -> Option<BusConfig> {
    let json = draft.json;
    let section = json.get("bus").filter(|section| !section.is_null())?;
    check_inlets(draft, section);
    check_external(draft, section);
    datapoints::check(draft, section);
    let mut bus = draft.read::<BusConfig>(section, "/bus")?;
    if let Some(external) = &mut bus.external {
        let folder = draft.folder;
        for path in [
            &mut external.ca,
            &mut external.certificate,
            &mut external.key,
        ] {
            *path = path.take().map(|path| folder.join(path));
        }
    }
    Some(bus)
}

/// A node has one bus.
pub(crate) fn idle(bus: Option<&BusConfig>) -> Option<String> {
    let bus = bus.filter(|bus| bus.embedded.is_some() && bus.external.is_some());
    bus.map(|_| "bus: the foreign broker is used, and `embedded` counts for nothing".to_owned())
}

/// Two listeners cannot have one address; nor can a listener have that of the API.
fn check_inlets(draft: &mut Draft<'_>, section: &Value) {
    let inlets = section
        .pointer("/embedded/listen")
        .and_then(Value::as_array);
    let api = draft.json.get("listen").and_then(Value::as_array);
    let address = |value: &Value| {
        let text = value.get("address").and_then(Value::as_str)?;
        let free = text.ends_with(":0");
        (!free).then(|| text.to_owned())
    };
    let mut taken: Vec<String> = api.into_iter().flatten().filter_map(address).collect();
    for (index, inlet) in inlets.into_iter().flatten().enumerate() {
        let Some(address) = address(inlet) else {
            continue;
        };
        if taken.contains(&address) {
            let at = format!("/bus/embedded/listen/{index}/address");
            let message = format!("{address} is listened at already");
            draft.problem(&at, message, "each address and port once");
        }
        taken.push(address);
    }
}

fn check_external(draft: &mut Draft<'_>, section: &Value) {
    let Some(external) = section.get("external").filter(|value| value.is_object()) else {
        return;
    };
    let has = |name: &str| external.get(name).is_some_and(|value| !value.is_null());
    let tls = external.get("tls").and_then(Value::as_bool) != Some(false);
    if tls && !has("ca") && !has("pin") {
        let message = "neither `ca` nor `pin`, so anybody could be the broker";
        let expected = "one of them, or `tls: false` on a line that is trusted";
        draft.problem("/bus/external", message, expected);
    }
    for name in ["ca", "pin", "certificate"] {
        if !tls && has(name) {
            let message = format!("there is no `{name}` without TLS");
            let at = format!("/bus/external/{name}");
            draft.problem(&at, message, "this option left out, or TLS");
        }
    }
    for (one, other) in [("certificate", "key"), ("user", "password")] {
        if has(one) != has(other) {
            let message = format!("`{one}` and `{other}` go together");
            draft.problem("/bus/external", message, "both of them, or neither");
        }
    }
}
