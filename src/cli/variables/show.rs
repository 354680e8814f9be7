//! `mainstem variables show`.

use mainstem_wire::api::VariableDocument;

use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Where the values of the details begin.
const INDENT: usize = 16;

pub(super) async fn run(name: &str, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let found: VariableDocument = client.get(&super::path(name)).await.map_err(super::hint)?;
    if screen.is_json() {
        screen.document(&found)?;
        return Ok(Exit::Done);
    }
    screen.line(screen.paint(Tone::Strong, text::harmless(&found.name)))?;
    let quality = Tone::of_status(&found.quality.status);
    for (label, content, tone) in [
        ("text", text::harmless(&found.value), Tone::Strong),
        ("quality", text::quality(&found.quality), quality),
        ("since", text::moment(found.quality.since), Tone::Plain),
        ("set", text::moment(found.source_time), Tone::Plain),
        ("received", text::moment(found.received_time), Tone::Plain),
        ("owner", text::harmless(&found.owner), Tone::Plain),
    ] {
        let label = screen.paint(Tone::Quiet, format!("{label:<width$}", width = INDENT - 2));
        screen.line(format!("  {label}{}", screen.paint(tone, content)))?;
    }
    Ok(Exit::Done)
}
