//! `mainstem remotes show`.

use mainstem_wire::api::{ClockDocument, RemoteDocument, RemoteLoggersDocument};

use super::tone;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

pub(super) fn run(remote: &RemoteDocument, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.document(remote)?;
        return Ok(Exit::Done);
    }
    screen.line(screen.paint(Tone::Strong, text::harmless(&remote.name)))?;
    for (label, content, tone) in details(remote) {
        let label = screen.paint(Tone::Quiet, format!("{label:<14}"));
        screen.line(format!("  {label}{}", screen.paint(tone, content)))?;
    }
    Ok(Exit::Done)
}

type Row = (&'static str, String, Tone);

pub(super) fn details(remote: &RemoteDocument) -> Vec<Row> {
    let mut rows = standing(remote);
    rows.extend(distance(remote));
    rows.extend(brought(remote));
    rows.extend(remote.loggers.iter().map(loggers));
    rows.extend(path(remote));
    rows
}

/// How the link stands, and with whom.
fn standing(remote: &RemoteDocument) -> Vec<Row> {
    let state = format!(
        "{} since {}",
        text::harmless(&remote.state),
        text::moment(remote.since)
    );
    let mut rows = vec![("state", state, tone(&remote.state))];
    let mut plain = |label, content: String| rows.push((label, content, Tone::Plain));
    if let Some(cause) = remote.cause.as_deref().filter(|cause| !cause.is_empty()) {
        plain("cause", text::harmless(cause));
    }
    if let Some(action) = &remote.action {
        plain("next", text::harmless(action));
    }
    if let Some(at) = remote.next_try {
        plain("next try", text::moment(at));
    }
    plain("address", text::harmless(&remote.address));
    if let Some(node) = &remote.node {
        plain(
            "node",
            text::harmless(&format!("{} ({})", node.name, node.id)),
        );
    }
    plain("prefix", text::harmless(&remote.prefix));
    rows
}

/// How far the remote is away in time.
fn distance(remote: &RemoteDocument) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut plain = |label, content: String| rows.push((label, content, Tone::Plain));
    if let Some(heard) = remote.heard {
        plain("heard", format!("{} ago", text::age(heard)));
    }
    if let Some(lag) = remote.lag {
        let age = remote.lag_seconds.filter(|_| lag > 0).map(text::age);
        let age = age.map_or_else(String::new, |age| format!(", the oldest {age} old"));
        let bytes = remote.lag_bytes.filter(|_| lag > 0);
        let bytes = bytes.map_or_else(String::new, |bytes| format!(", about {bytes} bytes"));
        plain("lag", format!("{lag} entries{age}{bytes}"));
    }
    if let Some(canary) = remote.canary {
        let late = if canary.late { ": it is late" } else { "" };
        let (age, limit) = (text::age(canary.age), text::age(canary.limit));
        plain(
            "canary",
            format!("changed {age} ago, late from {limit}{late}"),
        );
    }
    if let Some(found) = &remote.clock {
        plain("clock", clock(found));
    }
    rows
}

/// What came over the link.
fn brought(remote: &RemoteDocument) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut plain = |label, content: String| rows.push((label, content, Tone::Plain));
    let mirror = &remote.mirror;
    plain(
        "rows",
        format!(
            "{}, of them {} changes; {:.1} a second, {} bytes in all",
            mirror.rows, mirror.changes, mirror.row_rate, mirror.bytes
        ),
    );
    plain(
        "streams",
        format!(
            "{} snapshots ({} by digest, {} datapoints the same), {} resumed, {} resyncs asked for",
            mirror.snapshots, mirror.digest_resyncs, mirror.same, mirror.resumes, mirror.resyncs
        ),
    );
    let mut warning = |label, count: u64, why: &str| {
        if count > 0 {
            rows.push((label, format!("{count}{why}"), Tone::Warning));
        }
    };
    let last = mirror.last_left_out.as_deref().map(text::harmless);
    let last = last.map_or_else(String::new, |last| format!(", the last: {last}"));
    warning("missed", mirror.missed, " entries were gone at the remote");
    warning("left out", mirror.left_out, &last);
    warning(
        "looped",
        mirror.looped,
        " sources came from here or too far",
    );
    warning("bad values", mirror.bad_values, "");
    warning("aliases left out", mirror.aliases_left_out, "");
    rows
}

/// How its data loggers are replicated.
fn loggers(loggers: &RemoteLoggersDocument) -> Row {
    let cause = loggers.cause.as_deref().map(text::harmless);
    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    let lag = match (loggers.lag, loggers.lag_seconds) {
        (0, _) => "nothing behind".to_owned(),
        (lag, Some(seconds)) => format!("{lag} rows behind for {}", text::age(seconds)),
        (lag, None) => format!("{lag} rows behind"),
    };
    let gone = match loggers.gone {
        0 => String::new(),
        gone => format!(", {gone} rows were gone at the remote"),
    };
    let tone = match loggers.state.as_str() {
        "live" => Tone::Good,
        "catching_up" | "waiting" => Tone::Warning,
        _ => Tone::Bad,
    };
    let (state, series) = (text::harmless(&loggers.state), loggers.series);
    let content = format!("{state}, {series} series, {lag}{gone}{cause}");
    ("data loggers", content, tone)
}

/// The nodes from the remote down.
fn path(remote: &RemoteDocument) -> Vec<Row> {
    let mut rows = Vec::new();
    for hop in &remote.path {
        let name = hop.name.as_deref().unwrap_or("not known yet");
        let since = text::moment(hop.since);
        let state = text::harmless(&hop.state);
        let canary = hop
            .canary
            .map(|canary| format!(", canary {}", text::age(canary.age)));
        let line = format!(
            "{}: {} ({}), {state} since {since}{}",
            text::harmless(&hop.prefix),
            text::harmless(name),
            text::harmless(&hop.roles.join(", ")),
            canary.unwrap_or_default()
        );
        rows.push(("path", line, tone(&hop.state)));
    }
    rows
}

/// How its clock stands to ours.
fn clock(found: &ClockDocument) -> String {
    let side = if found.offset < 0.0 {
        "behind"
    } else {
        "ahead of"
    };
    let (offset, exact) = (found.offset.abs() * 1000.0, found.uncertainty * 1000.0);
    let verdict = match found.state.as_deref() {
        None | Some("ok") => "",
        Some("too_far") => ": beyond `drift`",
        Some(_) => ": off",
    };
    format!("{offset:.1} ms {side} ours, ± {exact:.1} ms{verdict}")
}
