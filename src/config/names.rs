//! Resource ids, and names that must not meet.

use std::collections::HashMap;

use mainstem_model::Name;
use serde_json::Value;

use crate::load::Draft;
use crate::tree::join;

/// A resource of a known type.
pub(crate) struct Resource<'a> {
    pub(crate) id: &'a str,
    pub(crate) properties: &'a Value,
    /// The JSON pointer of its properties.
    pub(crate) pointer: String,
}

/// The resources of one type, in the order of the file. `Cybus::` may stand before a type.
pub(crate) fn resources<'a>(json: &'a Value, wanted: &str) -> Vec<Resource<'a>> {
    let Some(Value::Object(all)) = json.get("resources") else {
        return Vec::new();
    };
    let of_type = all
        .iter()
        .filter(|(_, value)| type_of(value) == Some(wanted));
    of_type
        .filter_map(|(id, value)| {
            let properties = value.get("properties")?;
            let pointer = join(&join("/resources", id), "properties");
            Some(Resource {
                id,
                properties,
                pointer,
            })
        })
        .collect()
}

/// The type of a resource without `Cybus::`.
pub(crate) fn type_of(resource: &Value) -> Option<&str> {
    let name = resource.get("type")?.as_str()?;
    Some(name.strip_prefix("Cybus::").unwrap_or(name))
}

/// Checks every resource id.
pub(crate) fn check_ids(draft: &mut Draft<'_>) {
    let json = draft.json;
    let Some(Value::Object(all)) = json.get("resources") else {
        return;
    };
    for (id, value) in all {
        let pointer = join("/resources", id);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let begins = id.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || !id.chars().all(allowed) {
            let expected = "a letter or digit, then letters, digits, `_` and `.`";
            let proposal = proposed_id(id);
            let message = format!("`{id}` is no resource id");
            draft.unknown(&pointer, message, expected, proposal.as_deref());
        } else if matches!(type_of(value), Some("Connection" | "Remote"))
            && let Err(error) = Name::component(id)
        {
            let expected = "one word of at most 64 bytes: its datapoints are called `<id>.…`";
            if id.contains('.') {
                let message = format!("`{id}` has dots");
                draft.unknown(&pointer, message, expected, Some(&id.replace('.', "_")));
            } else {
                draft.problem(&pointer, error.to_string(), expected);
            }
        }
    }
}

fn proposed_id(id: &str) -> Option<String> {
    let id: String = id
        .chars()
        .map(|c| if matches!(c, '-' | ' ') { '_' } else { c })
        .collect();
    let valid = id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    valid.then_some(id)
}

/// Names that are in use, each with the key path of who uses it.
#[derive(Default)]
pub(crate) struct Taken {
    tops: Vec<(String, String)>,
    datapoints: HashMap<String, String>,
}

impl Taken {
    /// Takes everything below a prefix, for an adapter or a remote.
    pub(crate) fn top(&mut self, draft: &mut Draft<'_>, name: &str, owner: &str, pointer: &str) {
        let meets = |(other, _): &&(String, String)| {
            let below = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|r| r.starts_with('.'));
            other == name || below(other, name) || below(name, other)
        };
        if let Some((other, by)) = self.tops.iter().find(meets) {
            let message = format!("names below `{name}` meet those of {by} below `{other}`");
            draft.problem(
                pointer,
                message,
                "a prefix of its own for each connection and remote",
            );
        }
        self.tops.push((name.to_owned(), owner.to_owned()));
    }

    /// Whether a name is in use, or below or above one that is: what has it, in words.
    pub(crate) fn user_of(&self, name: &Name) -> Option<String> {
        let inside = |other: &str| {
            let other = Name::new(other).ok();
            other.is_some_and(|other| name.covers(&other))
        };
        let top = self.tops.iter().find(|(top, _)| inside(top));
        let point = || self.datapoints.iter().find(|(point, _)| inside(point));
        let of_point = || point().map(|(point, id)| format!("the datapoint `{point}` of `{id}`"));
        top.map(|(_, owner)| owner.clone()).or_else(of_point)
    }

    /// Whether something configured can be meant by a name: a datapoint, or what is below an
    /// adapter or a remote.
    pub(crate) fn may_have(&self, name: &Name) -> bool {
        let top = |(top, _): &(String, String)| Name::new(top).is_ok_and(|top| top.covers(name));
        self.user_of(name).is_some() || self.tops.iter().any(top)
    }

    /// Takes the name of one datapoint.
    pub(crate) fn datapoint(&mut self, draft: &mut Draft<'_>, name: &str, id: &str, at: &str) {
        if let Some(other) = self.datapoints.insert(name.to_owned(), id.to_owned()) {
            let message = format!("the datapoint `{name}` is that of `{other}` already");
            draft.problem(at, message, "a name of its own for each endpoint");
        }
    }
}
