//! `mainstem adapters show`.

use mainstem_wire::api::AdapterDocument;

use super::tone;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

pub(super) fn run(adapter: &AdapterDocument, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.document(adapter)?;
        return Ok(Exit::Done);
    }
    let kind = screen.paint(Tone::Quiet, text::harmless(&adapter.kind));
    let name = screen.paint(Tone::Strong, text::harmless(&adapter.name));
    screen.line(format!("{name}  {kind}"))?;
    for (label, content, tone) in details(adapter) {
        let label = screen.paint(Tone::Quiet, format!("{label:<14}"));
        screen.line(format!("  {label}{}", screen.paint(tone, content)))?;
    }
    Ok(Exit::Done)
}

pub(super) fn details(adapter: &AdapterDocument) -> Vec<(&'static str, String, Tone)> {
    let state = format!(
        "{} since {}",
        text::harmless(&adapter.state),
        text::moment(adapter.since)
    );
    let mut rows = vec![("state", state, tone(&adapter.state))];
    if let Some(cause) = &adapter.cause {
        let text = format!("{} ({})", cause.message, cause.code);
        rows.push(("cause", text::harmless(&text), Tone::Plain));
    }
    if let Some(at) = adapter.next_try {
        rows.push(("next try", text::moment(at), Tone::Plain));
    }
    if let Some(peer) = &adapter.peer {
        rows.push(("server", text::harmless(peer), Tone::Plain));
    }
    let quality = if adapter.reason == "ok" {
        adapter.quality.clone()
    } else {
        format!("{}, {}", adapter.quality, adapter.reason)
    };
    rows.push((
        "quality",
        text::harmless(&quality),
        Tone::of_status(&adapter.quality),
    ));
    let rates = &adapter.rates;
    let mut plain = |label, content| rows.push((label, content, Tone::Plain));
    plain("datapoints", adapter.points.to_string());
    plain(
        "requests",
        format!("{}, {:.1}/s", rates.requests, rates.request_rate),
    );
    plain(
        "samples",
        format!("{}, {:.1}/s", rates.samples, rates.sample_rate),
    );
    plain("writes", rates.writes.to_string());
    let trip = &rates.round_trip;
    let trips = format!(
        "median {}, 99 % within {}",
        text::milliseconds(trip.p50),
        text::milliseconds(trip.p99)
    );
    plain("round trip", trips);
    if rates.overruns > 0 {
        plain("late polls", rates.overruns.to_string());
    }
    if !rates.errors.is_empty() {
        let errors = rates.errors.iter();
        let errors: Vec<_> = errors
            .map(|(code, count)| format!("{count} × {code}"))
            .collect();
        plain("errors", text::harmless(&errors.join(", ")));
    }
    for device in &adapter.devices {
        let text = format!("{}: {}, {}", device.name, device.status, device.reason);
        rows.push((
            "device",
            text::harmless(&text),
            Tone::of_status(&device.status),
        ));
    }
    rows
}
