//! Names of datapoints, made of what a device calls its parts. Pure.

use std::collections::HashSet;

/// Bytes of one part.
const PART_BYTES_MAX: usize = 48;
/// Parts of a name, the connection's included.
const PARTS_MAX: usize = 8;
/// Bytes of a name made locally.
const NAME_BYTES_MAX: usize = 150;

/// Gives every place a name and an id of its own.
pub(super) struct Names {
    connection: String,
    taken: HashSet<String>,
}

impl Names {
    pub(super) fn of(connection: &str) -> Self {
        Self {
            connection: connection.to_owned(),
            taken: HashSet::new(),
        }
    }

    /// The resource's id, and the datapoint's name.
    pub(super) fn next(&mut self, path: &[String]) -> (String, String) {
        let mut parts: Vec<String> = path
            .iter()
            .map(|part| component(part))
            .filter(|part| !part.is_empty())
            .collect();
        if parts.is_empty() {
            parts.push("value".to_owned());
        }
        // The innermost parts tell most; what is too deep or too long loses its outside.
        let surplus = parts.len().saturating_sub(PARTS_MAX - 1);
        parts.drain(..surplus);
        let length = |parts: &[String]| parts.iter().map(|part| part.len() + 1).sum::<usize>();
        while parts.len() > 1 && self.connection.len() + length(&parts) > NAME_BYTES_MAX {
            parts.remove(0);
        }
        let name = parts.join(".");
        let mut own = name.clone();
        let mut number = 2;
        while !self.taken.insert(own.to_ascii_lowercase()) {
            own = format!("{name}_{number}");
            number += 1;
        }
        let id = format!("{}_{}", self.connection, own.replace('.', "_"));
        (id, format!("{}.{own}", self.connection))
    }
}

/// A part of a name: letters, digits and `_`; whatever else there is becomes `_`.
pub(super) fn component(text: &str) -> String {
    let mut part = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if c != '_' || !part.ends_with('_') {
            part.push(c);
        }
    }
    let part = part.trim_matches('_');
    let part = &part[..part.len().min(PART_BYTES_MAX)];
    // Words that the node keeps for itself.
    match part {
        "connection" | "clock" | "link" | "time" => format!("{part}_"),
        _ => part.to_owned(),
    }
}
