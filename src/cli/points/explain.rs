//! `mainstem points explain`: the rules that a write would meet, hop by hop.

use std::time::Duration;

use clap::Args;
use hyper::Method;
use mainstem_model::Space;
use mainstem_model::quantity::show_duration;
use mainstem_wire::api::explain::{ExplainDocument, ExplainRequestDocument, ExplainStep};

use super::{get, set};
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// How long the nodes below may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The datapoint.
    name: String,
    /// The value that would be written, as with `set`.
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// How long the datapoint would have it.
    #[arg(long, value_name = "DURATION", value_parser = set::duration)]
    pulse: Option<Duration>,
}

pub(super) async fn run(
    args: &ExplainArgs,
    client: &Client,
    screen: Screen,
) -> Result<Exit, Failure> {
    let point = get::read(client, &args.name).await?;
    let request = ExplainRequestDocument {
        kind: Space::Datapoint,
        name: args.name.clone(),
        value: set::read_value(&point, &args.value)?,
        pulse: args.pulse.map(show_duration),
    };
    let path = "/api/v1/writes/explain";
    let answer = client
        .send(Method::POST, path, Some(&request), PATIENCE)
        .await?;
    let found: ExplainDocument = answer.document()?;
    if screen.is_json() {
        screen.document(&found)?;
    } else {
        for line in lines(&found, screen) {
            screen.line(line)?;
        }
    }
    Ok(if found.allowed {
        Exit::Done
    } else {
        Exit::Refused
    })
}

fn lines(found: &ExplainDocument, screen: Screen) -> Vec<String> {
    let width = |part: &dyn Fn(&ExplainStep) -> usize| found.steps.iter().map(part).max();
    let nodes = width(&|step| step.node.chars().count()).unwrap_or(0);
    let rules = width(&|step| step.rule.chars().count()).unwrap_or(0);
    let steps = found.steps.iter().map(|step| {
        let (word, tone) = if step.allowed {
            ("ok ", Tone::Good)
        } else {
            ("no ", Tone::Bad)
        };
        format!(
            "  {:<nodes$}  {:<rules$}  {} {}",
            text::harmless(&step.node),
            text::harmless(&step.rule),
            screen.paint(tone, word),
            text::harmless(&step.message)
        )
    });
    let mut lines: Vec<String> = steps.collect();
    lines.push(verdict(found, screen));
    lines
}

fn verdict(found: &ExplainDocument, screen: Screen) -> String {
    let Some(step) = &found.refused else {
        let text = "No rule refuses it. What the device says, only a write tells.";
        return screen.paint(Tone::Good, text);
    };
    let place = step.hop.as_deref().map_or_else(
        || "at this node".to_owned(),
        |hop| format!("at {}", text::harmless(hop)),
    );
    let reason = step.reason.as_deref().unwrap_or("refused");
    let text = format!(
        "It would be refused {place}: {} ({}).",
        text::harmless(reason),
        text::harmless(&step.rule)
    );
    screen.paint(Tone::Bad, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_and_the_hop_are_named() {
        let step = |node: &str, hop: Option<&str>, rule: &str, reason: Option<&str>| ExplainStep {
            node: node.into(),
            hop: hop.map(str::to_owned),
            rule: rule.into(),
            allowed: reason.is_none(),
            reason: reason.map(str::to_owned),
            message: "because".into(),
        };
        let steps = vec![
            step("plant1", None, "role", None),
            step("line1", Some("line1"), "policy", Some("policy")),
        ];
        let refused = ExplainDocument::new("line1.plc.x".into(), steps.clone());
        let expected = [
            "  plant1  role    ok  because",
            "  line1   policy  no  because",
            "It would be refused at line1: policy (policy).",
        ];
        assert_eq!(lines(&refused, Screen::plain()), expected);
        let allowed = ExplainDocument::new("x".into(), steps[..1].to_vec());
        assert!(lines(&allowed, Screen::plain())[1].starts_with("No rule refuses it."));
    }
}
