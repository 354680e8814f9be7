//! `mainstem points set`: a write, and its way hop by hop.

use std::time::Duration;

use clap::Args;
use hyper::Method;
use mainstem_model::WriteState;
use mainstem_model::quantity::{parse_duration, show_duration};
use mainstem_wire::api::PointDocument;
use mainstem_wire::api::write::{HopDocument, WriteDocument, WriteRequestDocument};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::get;
use crate::cli::client::{Answer, Client, escaped};
use crate::cli::entry;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The datapoint.
    name: String,
    /// The new value: a number, true or false, a text, or JSON where the type is an array or json.
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// How long the write may take to reach the device; later it is not carried out.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    wait: Duration,
    /// How long the datapoint is to have the value: then its owner resets it, if a policy allows
    /// that.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pulse: Option<Duration>,
    /// An idempotency key: with the same key the same write is carried out once, however often it
    /// is asked for.
    #[arg(long)]
    key: Option<String>,
}

pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

/// A problem that carries the outcome.
#[derive(Deserialize)]
struct Refused {
    outcome: WriteDocument,
}

pub(super) async fn run(args: &SetArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let point = get::read(client, &args.name).await?;
    let value = read_value(&point, &args.value)?;
    let shown = match text::unit(&point) {
        Some(unit) => format!("{} {}", text::value(Some(&value)), text::harmless(unit)),
        None => text::value(Some(&value)),
    };
    let millis = u64::try_from(args.wait.as_millis()).unwrap_or(u64::MAX);
    let request = WriteRequestDocument {
        value,
        pulse: args.pulse.map(show_duration),
        key: args.key.clone(),
        deadline_ms: Some(millis),
        deadline: None,
    };
    let path = format!("/api/v1/datapoints/{}", escaped(&args.name));
    let answer = client
        .send(Method::PUT, &path, Some(&request), args.wait)
        .await?;
    tell(&answer, &shown, screen)
}

/// Shows what became of a write, and what was to be written.
pub(in crate::cli) fn tell(answer: &Answer, shown: &str, screen: Screen) -> Result<Exit, Failure> {
    let write = outcome(answer)?;
    if screen.is_json() {
        screen.document(&write)?;
    } else {
        let name = screen.paint(Tone::Strong, text::harmless(&write.name));
        screen.line(format!("{name} = {shown}"))?;
        for line in hops(&write, screen) {
            screen.line(line)?;
        }
        screen.line(verdict(&write, screen))?;
    }
    Ok(exit_of(&write))
}

/// A value as the datapoint's type asks for it.
pub(super) fn read_value(point: &PointDocument, text: &str) -> Result<Box<RawValue>, Failure> {
    let meta = point.meta.as_ref();
    let value_type = meta.map_or("json", |meta| meta.value_type.as_str());
    entry::parse(text, value_type).map_err(|error| {
        let message = format!("{error}; {} is {value_type}", point.name);
        Failure::new(Exit::Usage, message)
    })
}

/// The outcome, wherever in the answer it stands.
fn outcome(answer: &Answer) -> Result<WriteDocument, Failure> {
    let inside = answer.read::<Refused>().map(|refused| refused.outcome);
    let whole = || answer.read::<WriteDocument>().ok();
    inside.ok().or_else(whole).ok_or_else(|| answer.failure())
}

/// One line for each node that the write passed, the first with its time, the others with what
/// came on top of it by their own clocks.
fn hops(write: &WriteDocument, screen: Screen) -> Vec<String> {
    let width = |text: &dyn Fn(&HopDocument) -> usize| write.hops.iter().map(text).max();
    let names = width(&|hop| hop.node.chars().count()).unwrap_or(0);
    let states = width(&|hop| hop.state.as_str().len()).unwrap_or(0);
    let first = write.hops.first().map(|hop| hop.at);
    let lines = write.hops.iter().enumerate().map(|(index, hop)| {
        let state = screen.paint(tone(hop.state), format!("{:<states$}", hop.state.as_str()));
        let at = match first.filter(|_| index > 0) {
            None => format!("{} UTC", text::time_of_day(hop.at)),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
            Some(first) => {
                format!(
                    "{:+.1} ms",
                    (hop.at.micros() - first.micros()) as f64 / 1000.0
                )
            }
        };
        let node = text::harmless(&hop.node);
        format!(
            "  {node:<names$}  {state}  {}",
            screen.paint(Tone::Quiet, at)
        )
    });
    lines.collect()
}

/// What became of it, as a sentence.
fn verdict(write: &WriteDocument, screen: Screen) -> String {
    let is_variable = !write.kind.is_datapoint();
    let what = match write.state {
        WriteState::Applied if is_variable => "Applied: its owner has it.",
        WriteState::Rejected if is_variable => "Rejected: nothing was changed.",
        WriteState::Expired if is_variable => "Expired: it came too late, nothing was changed.",
        WriteState::Unknown if is_variable => "Unknown: nobody can tell whether it was changed.",
        WriteState::Applied if write.verified => "Applied, and read back from the device.",
        WriteState::Applied => "Applied: the device confirmed it.",
        WriteState::Rejected => "Rejected: the device was not changed.",
        WriteState::Expired => "Expired: it came too late and the device was not changed.",
        WriteState::Unknown => "Unknown: nobody can tell whether the device was changed.",
        WriteState::Accepted | WriteState::Forwarded => "Still on its way.",
    };
    let mut text = screen.paint(tone(write.state), what);
    if write.state == WriteState::Applied {
        return text;
    }
    let why: Vec<String> = [
        write.reason.as_deref().map(text::harmless),
        write
            .hop
            .as_deref()
            .map(|hop| format!("at {}", text::harmless(hop))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !why.is_empty() {
        text = format!("{text}\n  {}", why.join(" "));
    }
    if let Some(message) = &write.message {
        text = format!("{text}\n  {}", text::harmless(message));
    }
    text
}

fn tone(state: WriteState) -> Tone {
    match state {
        WriteState::Applied => Tone::Good,
        WriteState::Rejected | WriteState::Expired => Tone::Bad,
        WriteState::Unknown => Tone::Warning,
        WriteState::Accepted | WriteState::Forwarded => Tone::Plain,
    }
}

fn exit_of(write: &WriteDocument) -> Exit {
    match write.state {
        WriteState::Applied => Exit::Done,
        WriteState::Rejected => Exit::Refused,
        _ => Exit::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(state: &str) -> WriteDocument {
        serde_json::from_value(serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "name": "plant1.line1.plc.setpoint",
            "state": state,
            "reason": "device_error",
            "message": "IllegalDataValue",
            "hop": "plant1.line1.plc",
            "deadline": "2026-11-20T08:00:05Z",
            "hops": [
                {"node": "enterprise", "state": "forwarded", "at": "2026-11-20T08:00:00Z"},
                {"node": "line1", "state": state, "at": "2026-11-20T08:00:00.0125Z"},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn each_hop_has_a_line() {
        let lines = hops(&write("rejected"), Screen::plain());
        let expected = [
            "  enterprise  forwarded  08:00:00.000 UTC",
            "  line1       rejected   +12.5 ms",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_refusal_says_why_and_where() {
        let text = verdict(&write("rejected"), Screen::plain());
        let expected = "Rejected: the device was not changed.\n  device_error at \
                        plant1.line1.plc\n  IllegalDataValue";
        assert_eq!(text, expected);
    }

    #[test]
    fn each_state_has_its_exit() {
        let cases = [
            ("applied", Exit::Done),
            ("rejected", Exit::Refused),
            ("expired", Exit::Unknown),
            ("unknown", Exit::Unknown),
            ("forwarded", Exit::Unknown),
        ];
        for (state, exit) in cases {
            assert_eq!(exit_of(&write(state)), exit, "{state}");
        }
    }
}
