//! Whether a request may become a write: the request itself, rights, access, type and limits. It
//! only looks, nothing is changed.

use mainstem_model::{Limits, Name, Value};
use mainstem_store::{PointId, Store};
use mainstem_wire::{parse_value, write_value};
use sha2::{Digest as _, Sha256};

use crate::reason;
use crate::request::{
    BUDGET_MAX, Entry, KEY_BYTES_MAX, ORIGINATOR_BYTES_MAX, ORIGINATORS_MAX, Refusal, Request,
};

/// Characters of a value in the audit trail.
const SHOWN_CHARS_MAX: usize = 64;

/// What tells two writes with one key apart: name and value, whatever way the value was spelled.
pub(crate) type BodyHash = [u8; 32];

/// A request that may become a write.
pub(crate) struct Checked {
    pub(crate) point: PointId,
    pub(crate) name: Name,
    pub(crate) value: Value,
    pub(crate) hash: BodyHash,
}

/// Why it may not.
pub(crate) enum Denied {
    /// Not even a record comes of it.
    Refused(Refusal),
    /// A record with this reason and sentence.
    Rejected(&'static str, String),
}

/// The form of a request, before anything is looked up.
pub(crate) fn form(request: &Request) -> Result<(), Refusal> {
    let wrong = |text: String| Err(Refusal::Malformed(text));
    if let Some(key) = &request.key
        && (key.is_empty() || key.len() > KEY_BYTES_MAX || key.chars().any(char::is_control))
    {
        return wrong(format!(
            "a key has 1 to {KEY_BYTES_MAX} bytes and no control characters"
        ));
    }
    match &request.entry {
        Entry::Client { .. } if request.budget > BUDGET_MAX || request.budget.is_zero() => {
            let seconds = BUDGET_MAX.as_secs();
            wrong(format!(
                "the deadline of a write is more than 0 and at most {seconds} s"
            ))
        }
        Entry::Link { originators, .. }
            if originators.len() > ORIGINATORS_MAX
                || originators
                    .iter()
                    .any(|who| who.len() > ORIGINATOR_BYTES_MAX) =>
        {
            wrong(format!(
                "a write has at most {ORIGINATORS_MAX} originators of {ORIGINATOR_BYTES_MAX} bytes"
            ))
        }
        _ => Ok(()),
    }
}

/// Rights first, so that nobody learns about a datapoint from what he may not do with it.
pub(crate) fn check(store: &Store, request: &Request) -> Result<Checked, Denied> {
    let principal = request.entry.principal();
    let unknown = || {
        Denied::Refused(Refusal::NoSuchPoint(
            request.name.chars().take(255).collect(),
        ))
    };
    if !principal.may_read(&request.name) {
        return Err(unknown());
    }
    let point = store.point(&request.name).ok_or_else(unknown)?;
    let decision = principal.may_write(&request.name);
    if !decision.allowed {
        let who = &principal.name;
        let text = format!("{who} may not write {}: {}", request.name, decision.rule);
        return Err(Denied::Rejected(reason::POLICY, text));
    }
    if !point.definition.access.is_writable() {
        let text = format!("{} can only be read", request.name);
        return Err(Denied::Rejected(reason::READ_ONLY, text));
    }
    if request.value.get() == "null" {
        let text = format!("expected {}, found null", point.definition.value_type);
        return Err(Denied::Rejected(reason::TYPE, text));
    }
    let value = parse_value(&request.value, point.definition.value_type)
        .map_err(|error| Denied::Rejected(reason::TYPE, error.to_string()))?;
    if let Some(limits) = &point.definition.limits
        && !limits.allow(&value)
    {
        let text = format!("{} is outside {}", shown(&value), range(limits));
        return Err(Denied::Rejected(reason::LIMITS, text));
    }
    let hash = hash(&point.name, &value);
    Ok(Checked {
        point: point.id,
        name: point.name,
        value,
        hash,
    })
}

fn range(limits: &Limits) -> String {
    match (limits.min, limits.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} and more"),
        (None, Some(max)) => format!("{max} and less"),
        (None, None) => "the limits".to_owned(),
    }
}

fn hash(name: &Name, value: &Value) -> BodyHash {
    let mut hasher = Sha256::new();
    hasher.update(name.as_str().as_bytes());
    // No name has a line break, so no two pairs read the same.
    hasher.update(b"\n");
    let mut json = Vec::new();
    write_value(value, &mut json);
    hasher.update(&json);
    hasher.finalize().into()
}

/// A value for people, shortened.
pub(crate) fn shown(value: &Value) -> String {
    let mut json = Vec::new();
    write_value(value, &mut json);
    shorten(&String::from_utf8_lossy(&json))
}

/// A JSON text for people, shortened.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
