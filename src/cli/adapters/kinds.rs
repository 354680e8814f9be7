//! `mainstem adapters kinds`: the protocols, and how a device of each is named and asked.

use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};

pub(super) fn run(screen: Screen) -> Result<Exit, Failure> {
    let kinds = crate::app::kinds();
    if screen.is_json() {
        let item = |kind: &mainstem_adapter::Kind| -> Value {
            let guide = kind.explore.map(mainstem_adapter::Explore::guide);
            json!({
                "name": kind.name,
                "summary": kind.summary,
                "url": guide.map(|guide| guide.url),
                "addresses": guide.map(|guide| guide.addresses),
                "browse": guide.is_some_and(|guide| guide.can_browse),
            })
        };
        let items: Vec<Value> = kinds.iter().map(item).collect();
        screen.document(&json!({ "items": items, "next": null }))?;
        return Ok(Exit::Done);
    }
    for kind in kinds {
        let name = screen.paint(Tone::Strong, kind.name.to_ascii_lowercase());
        screen.line(format!("{name}  {}", kind.summary))?;
        let Some(guide) = kind.explore.map(mainstem_adapter::Explore::guide) else {
            continue;
        };
        screen.line(format!("  where   {}", guide.url))?;
        for address in guide.addresses {
            screen.line(format!("  what    {address}"))?;
        }
        let browse = if guide.can_browse {
            "try, browse"
        } else {
            "try"
        };
        screen.line(format!("  {}", screen.paint(Tone::Quiet, browse)))?;
    }
    Ok(Exit::Done)
}
