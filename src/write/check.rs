//! Whether a request may become a write: the request itself, rights, access, type and limits. It
//! only looks, nothing is changed.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::quantity::show_duration;
use mainstem_model::{Definition, Limits, Name, Value};
use mainstem_store::{Found, PointId, Store};
use mainstem_wire::{parse_value, write_value};
use sha2::{Digest as _, Sha256};

use crate::explain::Rule;
use crate::policy::{PULSE_MAX, PULSE_MIN, rest_of};
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
    /// What it was called before.
    pub(crate) former: Vec<Name>,
    /// The old name that was asked for.
    pub(crate) asked_as: Option<Name>,
    pub(crate) value: Value,
    pub(crate) hash: BodyHash,
}

/// Why it may not.
pub(crate) enum Denied {
    /// Not even a record comes of it.
    Refused(Refusal),
    /// A record with this reason and sentence.
    Rejected(Rule, &'static str, String),
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
    if request
        .pulse
        .is_some_and(|pulse| !(PULSE_MIN..=PULSE_MAX).contains(&pulse))
    {
        let (least, most) = (show_duration(PULSE_MIN), show_duration(PULSE_MAX));
        return wrong(format!("a pulse is {least} to {most} long"));
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

/// Who wants to know which rules let a request pass: the rule, and a sentence about it.
pub(crate) type Passed<'a> = dyn FnMut(Rule, &dyn Fn() -> String) + 'a;

/// Nobody wants to know.
pub(crate) fn silently(_: Rule, _: &dyn Fn() -> String) {}

/// Rights first, so that nobody learns about a datapoint from what he may not do with it.
pub(crate) fn check(
    store: &Store,
    request: &Request,
    passed: &mut Passed<'_>,
) -> Result<Checked, Denied> {
    let principal = request.entry.principal();
    let unknown = || {
        Denied::Refused(Refusal::NoSuchPoint(
            request.name.chars().take(255).collect(),
        ))
    };
    let found = store.find(&request.name).ok_or_else(unknown)?;
    if !store.decide(&principal.rights.read, &found).allowed {
        return Err(unknown());
    }
    let decision = principal.may_write_any(found.names());
    store.decide(&principal.rights.write, &found);
    let Found {
        view: point,
        former,
        asked_as,
    } = found;
    if !decision.allowed {
        let who = &principal.name;
        let text = format!("{who} may not write {}: {}", point.name, decision.rule);
        return Err(Denied::Rejected(Rule::Role, reason::POLICY, text));
    }
    passed(Rule::Role, &|| {
        format!("{}: {}", principal.name, decision.rule)
    });
    let definition = Arc::clone(&point.definition);
    let value = value(request, &definition, passed)?;
    let hash = hash(&point.name, &value, request.pulse);
    Ok(Checked {
        point: point.id,
        name: point.name,
        former,
        asked_as,
        value,
        hash,
    })
}

/// The value, if the datapoint can take it.
fn value(
    request: &Request,
    definition: &Definition,
    passed: &mut Passed<'_>,
) -> Result<Value, Denied> {
    let access = definition.access;
    if !access.is_writable() {
        let text = format!("{} can only be read", request.name);
        return Err(Denied::Rejected(Rule::Access, reason::READ_ONLY, text));
    }
    passed(Rule::Access, &|| format!("it is {}", access.as_str()));
    let wrong = |text| Denied::Rejected(Rule::Type, reason::TYPE, text);
    let value_type = definition.value_type;
    if request.value.get() == "null" {
        return Err(wrong(format!("expected {value_type}, found null")));
    }
    let value =
        parse_value(&request.value, value_type).map_err(|error| wrong(error.to_string()))?;
    let rest = request.pulse.and_then(|_| rest_of(&value));
    if request.pulse.is_some() && rest.is_none() {
        let what = shown(&value);
        return Err(wrong(format!(
            "{what} is no pulse: it goes back to false or true, and a number to 0"
        )));
    }
    passed(Rule::Type, &|| format!("it is {value_type}"));
    if let Some(limits) = &definition.limits {
        let outside = [Some(&value), rest.as_ref()].into_iter().flatten();
        if let Some(outside) = outside.into_iter().find(|value| !limits.allow(value)) {
            let text = format!("{} is outside {}", shown(outside), range(limits));
            return Err(Denied::Rejected(Rule::Limits, reason::LIMITS, text));
        }
        passed(Rule::Limits, &|| range(limits));
    }
    Ok(value)
}

pub(crate) fn range(limits: &Limits) -> String {
    match (limits.min, limits.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} and more"),
        (None, Some(max)) => format!("{max} and less"),
        (None, None) => "the limits".to_owned(),
    }
}

fn hash(name: &Name, value: &Value, pulse: Option<Duration>) -> BodyHash {
    let mut hasher = Sha256::new();
    hasher.update(name.as_str().as_bytes());
    // No name has a line break, so no two pairs read the same.
    hasher.update(b"\n");
    let mut json = Vec::new();
    write_value(value, &mut json);
    hasher.update(&json);
    if let Some(pulse) = pulse {
        // JSON text does not end with a line break either.
        hasher.update(format!("\n{}", pulse.as_micros()).as_bytes());
    }
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
