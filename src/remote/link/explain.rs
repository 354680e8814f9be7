//! Asks the nodes below what they would say to a write. Nothing is carried out, and nobody waits
//! longer than he said.

use std::time::Duration;

use mainstem_model::limits::NAME_BYTES_MAX;
use mainstem_model::{Name, Space};
use mainstem_store::Store;
use mainstem_wire::api::explain::{ExplainDocument, ExplainStep, LinkExplain, STEPS_MAX};

use super::{Link, LinkOptions, one_way};
use crate::connection::Poster;

/// Questions under way over one link.
pub(super) const UNDER_WAY_MAX: usize = 16;
/// Bytes of a text in a neighbour's answer.
const TEXT_BYTES_MAX: usize = 512;
/// Of the time that is left, the part that the next node may take, in percent: its answer needs
/// the way back.
const SHARE_BELOW: u32 = 90;

/// The reason of what the remote's version cannot do yet.
pub(super) const NOT_SUPPORTED: &str = "not_supported";
const NO_PULSES: &str =
    "the remote resets no pulses: its version is older; write both values one by one";
const NO_VARIABLES: &str = "the remote takes no writes to variables: its version is older";
const NO_COMMUNICATION: &str = "there is no communication with the remote";
const TOO_MANY: &str = "too many questions are under way over this link";

/// How the node behind a link can be asked.
#[derive(Default)]
pub(super) struct Reach {
    /// The open connection, if there is one.
    pub(super) poster: Option<Poster>,
    /// The stream's number, by whose beats what is sent can be timed; 0 while that is not so.
    pub(super) session: u64,
    /// Whether the remote resets pulses.
    pub(super) pulses: bool,
    /// Whether the remote can be asked what is wrong with it.
    pub(super) doctor: bool,
    /// Whether it takes writes to variables.
    pub(super) variables: bool,
}

impl Reach {
    /// What of a write the remote cannot do, in words for people.
    pub(super) fn lacks(&self, space: Space, is_pulse: bool) -> Option<&'static str> {
        if space == Space::Variable && !self.variables {
            return Some(NO_VARIABLES);
        }
        (is_pulse && !self.pulses).then_some(NO_PULSES)
    }
}

/// What the write filter of a remote entry says about one of the remote's names: the rule that
/// lets it pass, or why it does not.
///
/// What the datapoint was called before counts as well: a pattern that denies an old name still
/// denies, and one that allows it still allows.
pub(super) fn filter(
    options: &LinkOptions,
    store: &Store,
    space: Space,
    here: &Name,
) -> Result<String, String> {
    let (patterns, option, former) = match space {
        Space::Datapoint => (&options.write, "write", store.former_names(here)),
        // Aliases are of datapoints.
        Space::Variable => (&options.write_variables, "ui_write", Vec::new()),
    };
    let names = std::iter::once(here).chain(&former);
    let decided = patterns.decide(names.filter_map(|name| name.strip(&options.prefix)));
    let rule = decided.by.and_then(|by| patterns.deciding(by));
    let rule = rule.map(|rule| format!("{rule:?}"));
    let entry = &options.name;
    if decided.allowed {
        let rule = rule.unwrap_or_default();
        return Ok(format!("the remote entry {entry:?} lets it pass: {rule}"));
    }
    let rule = rule.unwrap_or_else(|| format!("no pattern of `{option}` fits"));
    Err(format!(
        "the remote entry {entry:?} lets no write pass: {rule}"
    ))
}

impl Link {
    /// What this link and the nodes behind it would say to a write: the steps from here down, the
    /// first that refuses being the last. The name is the one that the datapoint has here.
    pub fn explain(
        &self,
        mut ask: LinkExplain,
    ) -> impl Future<Output = Vec<ExplainStep>> + Send + use<> {
        let here = Here {
            node: self.store.setup().name.to_string(),
            prefix: self.options.prefix.clone(),
        };
        let filtered = Name::new(&ask.name).map_err(|error| error.to_string());
        let filtered =
            filtered.and_then(|name| filter(&self.options, &self.store, ask.kind, &name));
        let below = ask.name.strip_prefix(&here.prefix);
        let below = below.and_then(|rest| rest.strip_prefix('.'));
        ask.name = below.unwrap_or(&ask.name).to_owned();
        let is_one_way = self.options.one_way;
        let one_way = is_one_way.then(|| one_way::sentence(&self.options));
        let (poster, lacking) = {
            let reach = self.reach.lock();
            let lacking = reach.lacks(ask.kind, ask.pulse_us.is_some());
            (reach.poster.clone(), lacking)
        };
        let place = self.explaining.clone().try_acquire_owned();
        async move {
            if let Some(why) = one_way {
                return vec![here.cut(one_way::RULE, one_way::REASON, why)];
            }
            let mut steps = match filtered {
                Ok(rule) => vec![here.step("filter", None, rule)],
                Err(why) => return vec![here.step("filter", Some("policy"), why)],
            };
            let answer = match (poster, lacking, place) {
                (None, ..) => Err(("link_down", NO_COMMUNICATION.to_owned())),
                (_, Some(why), _) => Err((NOT_SUPPORTED, why.to_owned())),
                (.., Err(_)) => Err(("busy", TOO_MANY.to_owned())),
                (Some(poster), None, Ok(_place)) => ask_on(&poster, ask).await,
            };
            match answer {
                Ok(answer) => {
                    let answered = answer.steps.into_iter().take(STEPS_MAX);
                    steps.extend(answered.map(|step| seen_from_here(step, &here.prefix)));
                }
                Err((reason, why)) => steps.push(here.cut("communication", reason, why)),
            }
            steps
        }
    }
}

/// This node and its name for the link, as steps tell them.
struct Here {
    node: String,
    prefix: String,
}

impl Here {
    fn step(&self, rule: &str, reason: Option<&str>, message: String) -> ExplainStep {
        ExplainStep {
            node: self.node.clone(),
            hop: None,
            rule: rule.to_owned(),
            allowed: reason.is_none(),
            reason: reason.map(str::to_owned),
            message,
        }
    }

    /// A refusal by the link itself: nobody behind it is asked.
    fn cut(&self, rule: &str, reason: &str, message: String) -> ExplainStep {
        ExplainStep {
            hop: Some(self.prefix.clone()),
            ..self.step(rule, Some(reason), message)
        }
    }
}

async fn ask_on(
    poster: &Poster,
    mut ask: LinkExplain,
) -> Result<ExplainDocument, (&'static str, String)> {
    let patience = Duration::from_micros(ask.budget_us);
    let below = patience * SHARE_BELOW / 100;
    ask.budget_us = u64::try_from(below.as_micros()).unwrap_or(0);
    ask.passed = ask.passed.saturating_add(1);
    let body = serde_json::to_vec(&ask).unwrap_or_default();
    let answer = poster.post("/api/v1/link/explain", body);
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(document)) => Ok(document),
        Ok(Err(error)) => Err(("remote", error.to_string())),
        Err(_) => Err(("no_answer", "the remote did not answer in time".to_owned())),
    }
}

/// A step of a node below with its way from here, cut to its bounds.
fn seen_from_here(mut step: ExplainStep, prefix: &str) -> ExplainStep {
    let hop = step
        .hop
        .take()
        .map_or(String::new(), |hop| format!(".{hop}"));
    step.hop = Some(format!("{prefix}{hop}"));
    let texts = [
        Some(&mut step.node),
        Some(&mut step.rule),
        step.reason.as_mut(),
    ];
    for text in texts.into_iter().flatten() {
        text.truncate(text.floor_char_boundary(64));
    }
    for (text, most) in [
        (step.hop.as_mut(), NAME_BYTES_MAX),
        (Some(&mut step.message), TEXT_BYTES_MAX),
    ] {
        if let Some(text) = text {
            text.truncate(text.floor_char_boundary(most));
        }
    }
    step
}
