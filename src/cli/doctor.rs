//! `mainstem doctor`: what is wrong at this node and below it, where, and what to do.

mod offline;

use std::time::Duration;

use clap::Args;
use hyper::Method;
use mainstem_wire::api::doctor::{DoctorDocument, DoctorNode, Finding, rank};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

/// What the node may take on top of answering: those below it have their time.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Look at this node only, and ask none below it.
    #[arg(long)]
    here: bool,
}

pub(super) async fn run(args: &DoctorArgs, screen: Screen) -> Result<Exit, Failure> {
    match examine(args).await {
        Ok(report) => show(&report, screen),
        // A node that does not answer can still be looked at from outside.
        Err(failure) if failure.exit == Exit::NoCommunication => {
            offline::run(&args.connection, failure, screen)
        }
        Err(failure) => Err(failure),
    }
}

async fn examine(args: &DoctorArgs) -> Result<DoctorDocument, Failure> {
    let client = Client::from_args(&args.connection)?;
    let path = format!("/api/v1/doctor?below={}", !args.here);
    let answer = client
        .send(Method::GET, &path, None::<&()>, PATIENCE)
        .await?;
    answer.document()
}

fn show(report: &DoctorDocument, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.document(report)?;
    } else {
        for line in lines(report, screen) {
            screen.line(line)?;
        }
    }
    Ok(if report.healthy {
        Exit::Done
    } else {
        Exit::Unwell
    })
}

fn lines(report: &DoctorDocument, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in &report.findings {
        lines.extend(told(finding, screen));
        lines.push(String::new());
    }
    if report.left_out > 0 {
        let more = format!("{} more findings had no room.", report.left_out);
        lines.push(screen.paint(Tone::Warning, more));
    }
    lines.push(sum(report, screen));
    let unasked = report.nodes.iter().filter(|node| node.state != "answered");
    lines.extend(unasked.map(|node| screen.paint(Tone::Quiet, absent(node))));
    lines
}

/// The sentence first, then what to do, then where and the codes.
fn told(finding: &Finding, screen: Screen) -> Vec<String> {
    let tone = match rank(&finding.severity) {
        0 => Tone::Quiet,
        1 => Tone::Warning,
        _ => Tone::Bad,
    };
    let severity = screen.paint(tone, format!("{:<8}", text::harmless(&finding.severity)));
    let margin = " ".repeat(10);
    let mut lines = vec![format!("{severity}  {}", text::harmless(&finding.text))];
    if !finding.action.is_empty() {
        lines.push(format!("{margin}{}", text::harmless(&finding.action)));
    }
    if !finding.examples.is_empty() {
        let examples: Vec<_> = finding
            .examples
            .iter()
            .map(|name| text::harmless(name))
            .collect();
        lines.push(format!("{margin}Such as {}.", examples.join(", ")));
    }
    let place = match &finding.hop {
        Some(hop) => format!(
            "at {} ({})",
            text::harmless(hop),
            text::harmless(&finding.node)
        ),
        None => format!("here ({})", text::harmless(&finding.node)),
    };
    let since = finding
        .since
        .map(|at| format!(" since {}", text::moment(at)));
    let codes = format!(
        "{place}, {}{}",
        text::harmless(&finding.id),
        since.unwrap_or_default()
    );
    lines.push(format!("{margin}{}", screen.paint(Tone::Quiet, codes)));
    lines
}

fn sum(report: &DoctorDocument, screen: Screen) -> String {
    let answered = report.nodes.iter().filter(|node| node.state == "answered");
    let asked = match answered.count() {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    };
    if report.healthy {
        return format!("{} at {asked}.", screen.paint(Tone::Good, "All is well"));
    }
    let count = |least: u8, most: u8| {
        let ranks = report
            .findings
            .iter()
            .map(|finding| rank(&finding.severity));
        ranks.filter(|rank| (least..=most).contains(rank)).count()
    };
    let (bad, warnings) = (count(2, u8::MAX), count(1, 1));
    let words = format!("{bad} wrong, {warnings} to look at");
    format!("{} at {asked}.", screen.paint(Tone::Bad, words))
}

fn absent(node: &DoctorNode) -> String {
    let place = node.hop.as_deref().unwrap_or(&node.name);
    let cause = node.cause.as_deref().unwrap_or(&node.state);
    format!(
        "Not asked: {}: {}.",
        text::harmless(place),
        text::harmless(cause)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(value: serde_json::Value) -> DoctorDocument {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_finding_says_what_where_and_what_to_do() {
        let found = report(serde_json::json!({
            "healthy": false,
            "nodes": [{"name": "top", "state": "answered"},
                {"name": "plant", "hop": "area.plant", "state": "answered"},
                {"name": "line1", "hop": "area.plant.line1", "state": "no_link",
                    "cause": "there is no communication with it"}],
            "findings": [{"node": "plant", "hop": "area.plant", "severity": "high", "check": "link",
                "id": "link.line1", "text": "No communication with line1: nothing came for 2s.",
                "action": "Tries again by itself.", "since": "2026-11-20T08:00:00Z",
                "examples": ["plc.a", "plc.b"]}],
        }));
        let expected = [
            "high      No communication with line1: nothing came for 2s.",
            "          Tries again by itself.",
            "          Such as plc.a, plc.b.",
            "          at area.plant (plant), link.line1 since 2026-11-20 08:00:00.000 UTC",
            "",
            "1 wrong, 0 to look at at 2 nodes.",
            "Not asked: area.plant.line1: there is no communication with it.",
        ];
        assert_eq!(lines(&found, Screen::plain()), expected);
        assert_eq!(show(&found, Screen::plain()).unwrap(), Exit::Unwell);
    }

    #[test]
    fn all_is_well_is_one_line_and_zero() {
        let found = report(serde_json::json!({
            "healthy": true, "findings": [], "nodes": [{"name": "top", "state": "answered"}],
        }));
        assert_eq!(lines(&found, Screen::plain()), ["All is well at 1 node."]);
        assert_eq!(show(&found, Screen::plain()).unwrap(), Exit::Done);
    }
}
