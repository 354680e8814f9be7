//! Endpoints: each belongs to a connection and names one device address.

mod sense;

use std::collections::HashMap;

use mainstem_adapter::{EndpointSpec, Kind, Scaling};
use mainstem_model::{Access, Limits, Name, quantity};
use serde_json::Value;

use super::KindSchemas;
use crate::load::Draft;
use crate::names::{Resource, Taken, resources, type_of};
use crate::nearest::nearest;
use crate::resources::EndpointSection;
use crate::schema::{Section, one_of};
use crate::tree::join;

/// The three words for what an endpoint does.
const OPERATIONS: [&str; 3] = ["subscribe", "read", "write"];

/// The endpoints of one connection.
#[derive(Default)]
pub(super) struct Own {
    /// Each with the pointer of its properties and the word of its operation.
    pub(super) right: Vec<(EndpointSpec, String, &'static str)>,
    /// How many are wrong and therefore missing above.
    pub(super) wrong: usize,
}

impl Own {
    pub(super) fn specs(&self) -> Vec<EndpointSpec> {
        self.right.iter().map(|(spec, ..)| spec.clone()).collect()
    }
}

/// All endpoints, by connection.
pub(super) struct Endpoints(HashMap<String, Own>);

type Kinds = HashMap<String, Option<&'static Kind>>;

impl Endpoints {
    pub(super) fn read(
        draft: &mut Draft<'_>,
        kinds: &Kinds,
        schemas: &HashMap<&'static str, KindSchemas>,
        taken: &mut Taken,
    ) -> Self {
        let section = Section::of::<EndpointSection>();
        let mut all: HashMap<String, Own> = HashMap::new();
        for resource in resources(draft.json, "Endpoint") {
            let mut properties = resource.properties.clone();
            section.prune(&mut properties);
            section.check(&properties, draft.tree, &resource.pointer, draft.report);
            let kind = check_connection(draft, kinds, &properties, &resource.pointer);
            let word = operation_word(draft, &properties, &resource.pointer);
            if let (Some(kind), Some(word)) = (kind, word)
                && let Some(schemas) = schemas.get(kind.name)
            {
                check_operation(draft, schemas, &mut properties, &resource.pointer, word);
            }
            let connection = properties.get("connection").and_then(Value::as_str);
            let own = all
                .entry(connection.unwrap_or_default().to_owned())
                .or_default();
            let spec = word.and_then(|word| one(draft, &properties, &resource, word, taken));
            match (spec, word) {
                (Some(spec), Some(word)) => own.right.push((spec, resource.pointer, word)),
                _ => own.wrong += 1,
            }
        }
        Self(all)
    }

    pub(super) fn take(&mut self, connection: &str) -> Own {
        self.0.remove(connection).unwrap_or_default()
    }
}

fn check_connection(
    draft: &mut Draft<'_>,
    kinds: &Kinds,
    properties: &Value,
    pointer: &str,
) -> Option<&'static Kind> {
    let id = properties.get("connection")?.as_str()?;
    let Some(kind) = kinds.get(id) else {
        let other = draft
            .json
            .get("resources")
            .and_then(|all| all.get(id))
            .and_then(type_of);
        let message = match other {
            Some(other) => format!("`{id}` is of type {other}"),
            None => format!("there is no connection `{id}`"),
        };
        let mut known: Vec<&str> = kinds.keys().map(String::as_str).collect();
        known.sort_unstable();
        let near = nearest(id, known.iter().copied());
        let expected = match known.as_slice() {
            [] => "the id of a resource of type `Connection`".to_owned(),
            _ => format!("the id of a `Connection`: {}", one_of(&known)),
        };
        draft.unknown(&join(pointer, "connection"), message, expected, near);
        return None;
    };
    let kind = (*kind)?;
    if let Some(protocol) = properties.get("protocol").and_then(Value::as_str)
        && !protocol.eq_ignore_ascii_case(kind.name)
    {
        let message = format!(
            "the protocol is {protocol}, that of `{id}` is {}",
            kind.name
        );
        let at = join(pointer, "protocol");
        draft.problem(
            &at,
            message,
            format!("`{}`, or no `protocol` at all", kind.name),
        );
    }
    Some(kind)
}

fn operation_word(
    draft: &mut Draft<'_>,
    properties: &Value,
    pointer: &str,
) -> Option<&'static str> {
    let given = |word: &&'static str| properties.get(*word).is_some();
    let words: Vec<&'static str> = OPERATIONS.into_iter().filter(given).collect();
    if let [word] = words.as_slice() {
        return Some(word);
    }
    // One that could not be expanded is there, and was reported.
    let mut all = OPERATIONS.iter();
    if words.is_empty() && all.any(|word| draft.report.concerns(&join(pointer, word))) {
        return None;
    }
    let message = match words.as_slice() {
        [] => "no `subscribe`, `read` or `write`".to_owned(),
        [first, rest @ ..] => format!("`{}` beside `{first}`", rest.join("` and `")),
    };
    let at = words
        .get(1)
        .map_or_else(|| pointer.to_owned(), |word| join(pointer, word));
    let expected = "just one of them; `access: rw` beside `subscribe` makes it writable too";
    draft.problem(&at, message, expected);
    None
}

/// Checks the operation by the kind's schema. `interval` may be written as a duration everywhere;
/// a kind gets it as a whole number of milliseconds, and only if its schema names it.
fn check_operation(
    draft: &mut Draft<'_>,
    schemas: &KindSchemas,
    properties: &mut Value,
    pointer: &str,
    word: &str,
) {
    let at = join(pointer, word);
    if schemas.endpoint.refuses_everything() {
        let expected = "a connection of another protocol; this one makes its datapoints itself";
        draft.problem(&at, "the connection's protocol has no endpoints", expected);
        return;
    }
    let Some(Value::Object(operation)) = properties.get_mut(word) else {
        return;
    };
    let mut own = operation.clone();
    if let Some(interval) = own.get("interval") {
        match read_interval(interval).map(|interval| u64::try_from(interval.as_millis())) {
            Some(Ok(millis)) => {
                own.insert("interval".into(), Value::from(millis));
                operation.insert("interval".into(), Value::from(millis));
            }
            _ => {
                own.shift_remove("interval");
                let expected = "a duration such as `500ms`, or a whole number of milliseconds";
                let key = join(&at, "interval");
                draft.problem(&key, "`interval` is no duration", expected);
            }
        }
    }
    if !schemas.endpoint.has_key("interval") {
        own.shift_remove("interval");
    }
    let own = Value::Object(own);
    schemas.endpoint.check(&own, draft.tree, &at, draft.report);
}

fn read_interval(value: &Value) -> Option<std::time::Duration> {
    let interval = match value {
        Value::String(text) => quantity::parse_duration(text).ok()?,
        other => std::time::Duration::from_millis(other.as_u64()?),
    };
    (!interval.is_zero()).then_some(interval)
}

fn one(
    draft: &mut Draft<'_>,
    properties: &Value,
    resource: &Resource<'_>,
    word: &'static str,
    taken: &mut Taken,
) -> Option<EndpointSpec> {
    let pointer = &resource.pointer;
    let name = own_name(draft, properties, resource, taken);
    sense::check(draft, properties, word, pointer);
    let section: EndpointSection = draft.read(properties, pointer)?;
    let operation = section.subscribe.or(section.read).or(section.write)?;
    let interval = operation.get("interval").and_then(read_interval);
    let own = if word == "write" {
        Access::Write
    } else {
        Access::Read
    };
    Some(EndpointSpec {
        name: name?,
        operation,
        interval,
        access: section.access.unwrap_or(own),
        value_type: section.r#type,
        unit: section.unit,
        description: section.description,
        limits: section.limits.map(|limits| Limits {
            min: limits.min,
            max: limits.max,
        }),
        scaling: section.scaling.map(|s| Scaling {
            factor: s.factor,
            offset: s.offset,
        }),
        time: section.time,
        stale_after: section.stale_after,
        life: section.life,
    })
}

/// The datapoint's name below its connection's.
fn own_name(
    draft: &mut Draft<'_>,
    properties: &Value,
    resource: &Resource<'_>,
    taken: &mut Taken,
) -> Option<String> {
    let connection = properties.get("connection")?.as_str()?;
    let explicit = properties.get("name").and_then(Value::as_str);
    let at = match explicit {
        Some(_) => join(&resource.pointer, "name"),
        None => join("/resources", resource.id),
    };
    let whole = explicit.map_or_else(|| format!("{connection}.{}", resource.id), str::to_owned);
    let Some(own) = whole
        .strip_prefix(connection)
        .and_then(|rest| rest.strip_prefix('.'))
    else {
        let message = format!("`{whole}` does not begin with its connection's name");
        let expected = format!("a name that begins with `{connection}.`");
        let last = whole.rsplit('.').next().unwrap_or(&whole);
        draft.unknown(
            &at,
            message,
            expected,
            Some(&format!("{connection}.{last}")),
        );
        return None;
    };
    if let Err(error) = Name::local(&whole) {
        if !draft.report.concerns(&at) {
            draft.problem(&at, error.to_string(), "a valid datapoint name");
        }
        return None;
    }
    if own == "connection" {
        let message = format!("`{whole}` is what the node itself says about the connection");
        draft.problem(&at, message, "another name");
        return None;
    }
    taken.datapoint(draft, &whole, resource.id, &at);
    Some(own.to_owned())
}
