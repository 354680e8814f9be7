//! What a node would say to a write, rule by rule, without carrying anything out.

use mainstem_store::{Owner, SourceId};

use crate::check::{self, Denied};
use crate::office::Office;
use crate::policy::{Verdict, Wish};
use crate::{Request, reason};

/// A rule that a write has to pass at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The request itself: key, deadline, length of a pulse.
    Request,
    /// Whether there is such a datapoint for who asks.
    Datapoint,
    /// The patterns of the role of who asks: a client, or the neighbour.
    Role,
    /// Whether the datapoint can be written at all.
    Access,
    /// The type of the value.
    Type,
    /// The limits in the datapoint's definition.
    Limits,
    /// Whether something carries out its writes.
    Owner,
    /// The write policies of the owner.
    Policy,
}

impl Rule {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Datapoint => "datapoint",
            Self::Role => "role",
            Self::Access => "access",
            Self::Type => "type",
            Self::Limits => "limits",
            Self::Owner => "owner",
            Self::Policy => "policy",
        }
    }
}

/// One rule and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// The reason that the write would be refused with; `None` if the rule lets it pass.
    pub refusal: Option<&'static str>,
    /// A sentence about it.
    pub text: String,
}

/// What a node would say to a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// The rules in their order; the last one refuses if any does.
    pub steps: Vec<Step>,
    /// The datapoint's name now, if it was found.
    pub name: Option<String>,
    /// The link that the write would go on over, if this node refuses nothing and is not the
    /// owner.
    pub next: Option<SourceId>,
}

impl Explained {
    fn pass(&mut self, rule: Rule, text: String) {
        self.steps.push(Step {
            rule,
            refusal: None,
            text,
        });
    }

    fn refuse(mut self, rule: Rule, reason: &'static str, text: String) -> Self {
        self.steps.push(Step {
            rule,
            refusal: Some(reason),
            text,
        });
        self
    }
}

impl Office {
    /// The same rules in the same order as a write meets them.
    pub(crate) fn explain(&self, request: &Request) -> Explained {
        let mut found = Explained::default();
        if let Err(refusal) = check::form(request) {
            return found.refuse(Rule::Request, reason::MALFORMED, refusal.to_string());
        }
        let checked = check::check(&self.store, request, &mut |rule, text| {
            found.pass(rule, text());
        });
        let checked = match checked {
            Ok(checked) => checked,
            Err(Denied::Refused(refusal)) => {
                return found.refuse(Rule::Datapoint, reason::UNKNOWN_NAME, refusal.to_string());
            }
            Err(Denied::Rejected(rule, reason, text)) => return found.refuse(rule, reason, text),
        };
        if let Some(old) = &checked.asked_as {
            let text = format!("{old} is called {} now: an alias leads there", checked.name);
            found.pass(Rule::Datapoint, text);
        }
        found.name = Some(checked.name.to_string());
        let owner = match self.owner_for(request, &checked) {
            Ok(owner) => owner,
            Err((reason, text)) => return found.refuse(Rule::Owner, reason, text),
        };
        let path = self.store.path(owner.source());
        if let Owner::Link(link) = owner {
            found.pass(Rule::Owner, format!("it goes on over the link {path}"));
            found.next = Some(link);
            return found;
        }
        found.pass(Rule::Owner, format!("{path} carries it out"));
        let wish = Wish {
            name: &checked.name,
            former: &checked.former,
            value: &checked.value,
            pulse: request.pulse,
        };
        let live = |name: &str| self.live(name);
        match self.policies.look(&wish, &live, &**self.store.clock()) {
            Verdict::Allowed(text) => found.pass(Rule::Policy, text),
            Verdict::Refused(why) => return found.refuse(Rule::Policy, reason::POLICY, why),
        }
        found
    }
}
