//! `mainstem remotes show`.

use mainstem_wire::api::RemoteDocument;

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

pub(super) fn details(remote: &RemoteDocument) -> Vec<(&'static str, String, Tone)> {
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
    if let Some(heard) = remote.heard {
        plain("heard", format!("{} ago", text::age(heard)));
    }
    if let Some(lag) = remote.lag {
        plain("lag", format!("{lag} entries"));
    }
    if let Some(found) = remote.clock {
        let side = if found.offset < 0.0 {
            "behind"
        } else {
            "ahead of"
        };
        let (offset, exact) = (found.offset.abs() * 1000.0, found.uncertainty * 1000.0);
        plain(
            "clock",
            format!("{offset:.1} ms {side} ours, ± {exact:.1} ms"),
        );
    }
    let mirror = &remote.mirror;
    plain(
        "rows",
        format!("{}, of them {} changes", mirror.rows, mirror.changes),
    );
    plain(
        "streams",
        format!(
            "{} snapshots, {} resumed, {} resyncs asked for",
            mirror.snapshots, mirror.resumes, mirror.resyncs
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
