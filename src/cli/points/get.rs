//! `mainstem points get`.

use clap::Args;
use mainstem_wire::api::{MetaDocument, PointDocument};

use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Where the values of the details begin.
const INDENT: usize = 16;

#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// The datapoint.
    name: String,
}

/// Reads a datapoint with its definition.
pub(super) async fn read(client: &Client, name: &str) -> Result<PointDocument, Failure> {
    client
        .get(&format!("/api/v1/datapoints/{}?meta=true", escaped(name)))
        .await
}

pub(super) async fn run(args: &GetArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let point = read(client, &args.name).await?;
    if screen.is_json() {
        screen.document(&point)?;
        return Ok(Exit::Done);
    }
    screen.line(screen.paint(Tone::Strong, text::harmless(&point.name)))?;
    for (label, content, tone) in details(&point) {
        let label = screen.paint(Tone::Quiet, format!("{label:<width$}", width = INDENT - 2));
        screen.line(format!("  {label}{}", screen.paint(tone, content)))?;
    }
    Ok(Exit::Done)
}

/// Everything that is known, in the order in which somebody asks for it.
fn details(point: &PointDocument) -> Vec<(&'static str, String, Tone)> {
    let mut value = text::value(point.value.as_deref());
    if let Some(unit) = text::unit(point).filter(|_| point.value.is_some()) {
        value = format!("{value} {}", text::harmless(unit));
    }
    let quality = &point.quality;
    let mut rows = vec![
        ("value", value, Tone::Strong),
        (
            "quality",
            text::quality(quality),
            Tone::of_status(&quality.status),
        ),
        ("since", text::moment(quality.since), Tone::Plain),
    ];
    let mut plain = |label, content| rows.push((label, content, Tone::Plain));
    if let Some(at) = point.source_time {
        plain("source time", text::moment(at));
    }
    if let Some(at) = point.received_time {
        plain("received", text::moment(at));
    }
    plain("age", text::age(point.age));
    if let Some(meta) = &point.meta {
        plain("type", text::harmless(&meta.value_type));
        plain("access", access(meta));
        plain("owner", text::harmless(&meta.owner));
        if let Some(description) = &meta.description {
            plain("description", text::harmless(description));
        }
    }
    rows
}

fn access(meta: &MetaDocument) -> String {
    let word = match meta.access.as_str() {
        "r" => "read",
        "w" => "write",
        "rw" => "read and write",
        other => return text::harmless(other),
    };
    let range = meta.limits.map(|limits| match (limits.min, limits.max) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", from {min}"),
        (None, Some(max)) => format!(", up to {max}"),
        (None, None) => String::new(),
    });
    format!("{word}{}", range.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_hold_everything() {
        let point: PointDocument = serde_json::from_value(serde_json::json!({
            "name": "plc.setpoint", "value": 60.123_456_789,
            "quality": {"status": "good", "reason": "ok", "since": "2026-11-20T08:00:00Z"},
            "source_time": "2026-11-20T08:00:00.5Z", "received_time": "2026-11-20T08:00:01Z",
            "age": 0.25,
            "meta": {"type": "f64", "unit": "°C", "access": "rw", "owner": "plc",
                "limits": {"min": 0.0, "max": 250.5}, "description": "Oven"},
        }))
        .unwrap();
        let rows: Vec<_> = details(&point)
            .into_iter()
            .map(|(label, content, _)| format!("{label}: {content}"))
            .collect();
        let expected = [
            "value: 60.123456789 °C",
            "quality: good",
            "since: 2026-11-20 08:00:00.000 UTC",
            "source time: 2026-11-20 08:00:00.500 UTC",
            "received: 2026-11-20 08:00:01.000 UTC",
            "age: 0.2 s",
            "type: f64",
            "access: read and write, 0 to 250.5",
            "owner: plc",
            "description: Oven",
        ];
        assert_eq!(rows, expected);
    }
}
