//! Whether a request for a GUI variable may become a write. A variable is a text that anybody with
//! the right may set; its owner makes one that is not there yet.

use mainstem_model::limits::{VALUE_BYTES_MAX, VARIABLE_SEGMENTS_MIN};
use mainstem_model::{Name, Value, ValueError};
use mainstem_store::{Owner, Store, Target};

use super::{Checked, Denied, Passed, hash, shorten};
use crate::explain::Rule;
use crate::reason;
use crate::request::{Refusal, Request};

pub(super) fn check(
    store: &Store,
    request: &Request,
    passed: &mut Passed<'_>,
) -> Result<Checked, Denied> {
    let principal = request.entry.principal();
    // An old name leads to what it stands for now, or a variable of that name would be made here.
    let asked = &store.variable_called(&request.name);
    if !principal.may_read_variable(asked) {
        let asked = asked.chars().take(255).collect();
        return Err(Denied::Refused(Refusal::NoSuchVariable(asked)));
    }
    let name = name(store, asked).map_err(|why| Denied::Refused(Refusal::Malformed(why)))?;
    let decision = principal.may_write_variable(asked);
    if !decision.allowed {
        let who = &principal.name;
        let text = format!(
            "{who} may not write the variable {asked}: {}",
            decision.rule
        );
        return Err(Denied::Rejected(Rule::Role, reason::POLICY, text));
    }
    passed(Rule::Role, &|| {
        format!("{}: {}", principal.name, decision.rule)
    });
    let value = value(request)?;
    passed(Rule::Type, &|| "it is a text".to_owned());
    let hash = hash(request.space, &name, &value, None);
    Ok(Checked {
        target: Target::Variable,
        name,
        value,
        // Aliases are of datapoints.
        former: Vec::new(),
        asked_as: None,
        hash,
    })
}

/// The name, with room for the prefixes of the levels above if it would be made here.
fn name(store: &Store, asked: &str) -> Result<Name, String> {
    let name = Name::new(asked).map_err(|error| error.to_string())?;
    if asked.split('.').count() < VARIABLE_SEGMENTS_MIN {
        return Err(format!(
            "the name of a variable has at least {VARIABLE_SEGMENTS_MIN} segments, object and \
             attribute: {asked:?}"
        ));
    }
    let is_new = store.variable(asked).is_none();
    if is_new && matches!(store.variable_owner(&name), Some(Owner::Local(_))) {
        return Name::local(asked).map_err(|error| error.to_string());
    }
    Ok(name)
}

fn value(request: &Request) -> Result<Value, Denied> {
    let wrong = |text: String| Denied::Rejected(Rule::Type, reason::TYPE, text);
    if request.pulse.is_some() {
        return Err(wrong("a variable takes no pulse".to_owned()));
    }
    // Not as the value of a datapoint: a text of the full length may be all escapes on its way.
    let text: String = serde_json::from_str(request.value.get()).map_err(|_| {
        let found = shorten(request.value.get());
        wrong(format!("expected a text, found {found}"))
    })?;
    if text.len() > VALUE_BYTES_MAX {
        return Err(wrong(ValueError::TooLarge(text.len()).to_string()));
    }
    Ok(Value::text(&text))
}
