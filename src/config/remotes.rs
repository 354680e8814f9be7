//! Resources of type `Remote`.

use std::collections::HashMap;

use mainstem_model::{GlobSet, Name, PacingError};
use mainstem_remote::{DialFrom, Mode, RemoteConfig, RemoteKind, RemoteSection, Route, Trust};
use serde_json::Value;

use crate::load::Draft;
use crate::names::{Resource, Taken, resources};
use crate::nearest::nearest;
use crate::schema::Section;
use crate::tree::join;

/// The remotes that are right, in the order of the file.
pub(crate) fn read(draft: &mut Draft<'_>, taken: &mut Taken) -> Vec<RemoteConfig> {
    let section = Section::of::<RemoteSection>();
    let mut routes = HashMap::new();
    let mut remotes = Vec::new();
    for resource in resources(draft.json, "Remote") {
        let pointer = &resource.pointer;
        let mut properties = resource.properties.clone();
        section.prune(&mut properties);
        section.check(&properties, draft.tree, pointer, draft.report);
        let trust = trust(draft, &properties, pointer);
        check_kind(draft, &properties, pointer);
        check_dial(draft, &properties, pointer);
        check_one_way(draft, &properties, pointer);
        check_prefix(draft, taken, &properties, &resource);
        check_routes(draft, &mut routes, &properties, &resource);
        let read: Option<RemoteSection> = draft.read(&properties, pointer);
        let name = Name::component(resource.id).ok();
        if let (Some(section), Some(name), Some(trust)) = (read, name, trust) {
            let remote = section.resolve(name, trust);
            check_beat(draft, &remote, pointer);
            check_pacing(draft, &remote, pointer);
            check_loggers(draft, &remote, pointer);
            remotes.push(remote);
        }
    }
    check_dial_up(draft, &remotes);
    remotes
}

/// A remote that dials up has no address here, and a name in a certificate would say nothing.
fn check_dial(draft: &mut Draft<'_>, properties: &Value, pointer: &str) {
    let is_up = properties.get("dial").and_then(Value::as_str) == Some("up");
    if !is_up && properties.get("address").is_none() {
        let expected = "`address: https://host:port`, or `dial: up` if the remote dials up";
        draft.problem(pointer, "`address` is missing", expected);
    }
    if !is_up {
        return;
    }
    for key in ["address", "proxy", "ca"] {
        if properties.get(key).is_some() {
            let message = format!("there is no `{key}` with `dial: up`: the remote dials");
            let expected = "`pin`, by which the remote is recognised, and this option left out";
            draft.problem(&join(pointer, key), message, expected);
        }
    }
    if properties.get("mode").and_then(Value::as_str) == Some("poll") {
        let message = "a remote that dials up keeps its connection open";
        draft.problem(
            &join(pointer, "mode"),
            message,
            "`mode: stream` with `dial: up`",
        );
    }
}

fn check_one_way(draft: &mut Draft<'_>, properties: &Value, pointer: &str) {
    let is_one_way = properties.get("one_way").and_then(Value::as_bool) == Some(true);
    let clocksync = properties.get("clocksync").and_then(Value::as_bool) == Some(true);
    for option in ["write", "ui_write", "clocksync"] {
        let patterns = properties.get(option).and_then(Value::as_array);
        let writes = patterns.is_some_and(|patterns| !patterns.is_empty());
        if is_one_way && (writes || (option == "clocksync" && clocksync)) {
            let message = "no write can be carried with `one_way: true`";
            draft.problem(&join(pointer, option), message, "this option left out");
        }
    }
}

/// A role can let a node serve only an entry that there is.
fn check_dial_up(draft: &mut Draft<'_>, remotes: &[RemoteConfig]) {
    let json = draft.json;
    let Some(Value::Object(roles)) = json.get("roles") else {
        return;
    };
    let up = remotes.iter().filter(|remote| remote.dial == DialFrom::Up);
    let known: Vec<&str> = up.map(|remote| remote.name.as_str()).collect();
    for (name, role) in roles {
        let entry = role.get("dial_up").and_then(Value::as_str);
        let Some(entry) = entry.filter(|entry| !known.contains(entry)) else {
            continue;
        };
        let pointer = join(&join("/roles", name), "dial_up");
        let message = format!("there is no remote `{entry}` with `dial: up`");
        let near = nearest(entry, known.iter().copied());
        let expected = "the id of a resource of type `Remote` with `dial: up`";
        draft.unknown(&pointer, message, expected, near);
    }
}

/// A link that is uncertain after fewer than three beats would be so at every late one.
fn check_beat(draft: &mut Draft<'_>, remote: &RemoteConfig, pointer: &str) {
    let (beat, limit) = (remote.timing.beat, remote.timing.uncertain_after);
    if remote.mode == Mode::Stream && remote.kind == RemoteKind::Mainstem && limit < beat * 3 {
        let message = format!("`uncertain_after` is {limit:?}, `beat` {beat:?}");
        let expected = "`uncertain_after` of at least three beats";
        draft.problem(&join(pointer, "uncertain_after"), message, expected);
    }
}

/// A pattern that means nothing would replicate nothing, and nobody would notice.
fn check_loggers(draft: &mut Draft<'_>, remote: &RemoteConfig, pointer: &str) {
    let wrong = |pattern: &&String| GlobSet::new(&[pattern]).is_err();
    for pattern in remote.data_loggers.iter().filter(wrong) {
        let message = format!("{pattern:?} is no pattern over names of data loggers");
        let expected = "names with `*` and `**`, such as `energy.*`, in a list or divided by `;`";
        draft.problem(&join(pointer, "dataloggers"), message, expected);
    }
}

/// Each round of a polled link is an answer of its own, which holds nothing back.
fn check_pacing(draft: &mut Draft<'_>, remote: &RemoteConfig, pointer: &str) {
    if remote.mode == Mode::Poll && !remote.pacing.is_none() {
        let message = "a polled link has nothing held back: `poll_interval` says how often it asks";
        let expected = "`deadband`, `min_interval` and `max_interval` only with `mode: stream`";
        draft.problem(pointer, message, expected);
    } else if remote.pacing.check() == Err(PacingError::Order) {
        let message = "`max_interval` is not longer than `min_interval`";
        let at = join(pointer, "max_interval");
        draft.problem(&at, message, "a longer `max_interval`, or none");
    }
}

/// Options that there are not for a HSYCO server: what they stand for is private to HSYCO, or it is
/// always so.
const NOT_FOR_HSYCO: [&str; 19] = [
    "deadband",
    "min_interval",
    "max_interval",
    "dial",
    "one_way",
    "mode",
    "profile",
    "beat",
    "write",
    "delivery",
    "ui",
    "drift",
    "drift_action",
    "clocksync",
    "discovery",
    "startupevents",
    "dataloggers",
    "dataloggersnameprefix",
    "dataloggerspollinterval",
];

fn check_kind(draft: &mut Draft<'_>, properties: &Value, pointer: &str) {
    let is_hsyco = properties.get("kind").and_then(Value::as_str) == Some("hsyco");
    let has_types = properties.get("types").and_then(Value::as_object);
    if !is_hsyco && has_types.is_some_and(|types| !types.is_empty()) {
        let message = "a mainstem node says itself what its datapoints are";
        let expected = "`types` only with `kind: hsyco`";
        draft.problem(&join(pointer, "types"), message, expected);
    }
    let unfit = |key: &&&str| is_hsyco && properties.get(**key).is_some();
    for key in NOT_FOR_HSYCO.iter().filter(unfit) {
        let message =
            format!("there is no `{key}` with `kind: hsyco`: datapoints are read, no more");
        let expected = "this option left out; docs/HSYCO.md says what there is and why";
        draft.problem(&join(pointer, key), message, expected);
    }
}

/// By what the other node is recognised.
pub(crate) fn trust(draft: &mut Draft<'_>, properties: &Value, pointer: &str) -> Option<Trust> {
    let text = |key| properties.get(key).and_then(Value::as_str);
    let found = match (properties.get("pin"), properties.get("ca")) {
        (Some(pin), None) => return pinned(pin),
        (None, Some(_)) => return authority(draft, text("ca")?, pointer),
        (Some(_), Some(_)) => "both `pin` and `ca`",
        (None, None) => "neither `pin` nor `ca`",
    };
    let expected = "one of them: `pin` with the fingerprint of the remote's key, as the remote \
                    itself prints it, or `ca` with a PEM file";
    draft.problem(pointer, format!("{found}: who is the remote?"), expected);
    None
}

/// One fingerprint, or those of a pair.
fn pinned(pin: &Value) -> Option<Trust> {
    let lower = |pin: &Value| pin.as_str().map(str::to_ascii_lowercase);
    let Some(pins) = pin.as_array() else {
        return lower(pin).map(Trust::Pin);
    };
    let pins: Option<Vec<String>> = pins.iter().map(lower).collect();
    match pins?.as_slice() {
        [one] => Some(Trust::Pin(one.clone())),
        several => Some(Trust::Pair(several.to_vec())),
    }
}

fn authority(draft: &mut Draft<'_>, ca: &str, pointer: &str) -> Option<Trust> {
    let path = draft.folder.join(ca);
    if !path.is_file() {
        let message = format!("there is no file `{ca}`");
        let expected = "a PEM file; the path is relative to this file";
        draft.problem(&join(pointer, "ca"), message, expected);
        return None;
    }
    Some(Trust::Authority(path))
}

fn check_prefix(
    draft: &mut Draft<'_>,
    taken: &mut Taken,
    properties: &Value,
    resource: &Resource<'_>,
) {
    let explicit = properties.get("prefix").and_then(Value::as_str);
    let prefix = explicit.unwrap_or(resource.id);
    let at = match explicit {
        Some(_) => join(&resource.pointer, "prefix"),
        None => join("/resources", resource.id),
    };
    let first = prefix.split('.').next().unwrap_or(prefix);
    if !draft.report.concerns(&at)
        && let Err(error) = Name::component(first)
    {
        draft.problem(
            &at,
            error.to_string(),
            "a prefix that begins with another word",
        );
    }
    taken.top(draft, prefix, &format!("the remote `{}`", resource.id), &at);
}

fn check_routes(
    draft: &mut Draft<'_>,
    known: &mut HashMap<Route, String>,
    properties: &Value,
    resource: &Resource<'_>,
) {
    let texts: Vec<&str> = match properties.get("address") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for route in texts
        .into_iter()
        .filter_map(|text| text.parse::<Route>().ok())
    {
        let shown = route.to_string();
        if let Some(other) = known.insert(route, resource.id.to_owned()) {
            let message = format!("{shown} is an address of `{other}` already");
            let at = join(&resource.pointer, "address");
            draft.problem(&at, message, "each node below one prefix only");
        }
    }
}
