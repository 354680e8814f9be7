//! `mainstem topology`: the tree of nodes, links and devices, each with what is wrong with it.

use clap::Args;
use mainstem_wire::api::topology::{LinkEntry, SourceEntry, StateEntry, TopologyDocument};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::remotes;
use super::screen::{Screen, Tone};
use super::text;

/// Datapoints asked for at a time.
const PART: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct TopologyArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// With the datapoints of each adapter and device.
    #[arg(long)]
    datapoints: bool,
}

pub(super) async fn run(args: &TopologyArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    let found = read(&client, args.datapoints).await?;
    if screen.is_json() {
        screen.document(&found)?;
        return Ok(Exit::Done);
    }
    for line in lines(&found, screen) {
        screen.line(line)?;
    }
    Ok(Exit::Done)
}

/// The whole tree. If it changes while its datapoints come in parts, the newest version is told,
/// and what was read before is kept.
async fn read(client: &Client, datapoints: bool) -> Result<TopologyDocument, Failure> {
    if !datapoints {
        return client.get("/api/v1/topology").await;
    }
    let first = format!("/api/v1/topology?datapoints=true&limit={PART}");
    let mut found: TopologyDocument = client.get(&first).await?;
    while let Some(page) = &mut found.datapoints
        && let Some(after) = page.next.take()
    {
        let path = format!("{first}&after={}", escaped(&after));
        let mut more: TopologyDocument = client.get(&path).await?;
        if let Some(part) = &mut more.datapoints {
            let before = std::mem::take(&mut page.items);
            part.items.splice(..0, before);
        }
        found = more;
    }
    Ok(found)
}

fn lines(found: &TopologyDocument, screen: Screen) -> Vec<String> {
    let mut drawing = Drawing {
        found,
        screen,
        lines: Vec::new(),
    };
    if let Some(own) = found.nodes.first() {
        let name = screen.paint(Tone::Strong, text::harmless(&own.name));
        let words = text::harmless(&own.roles.join(", "));
        drawing.lines.push(format!("{name}  {words}"));
    }
    drawing.below(None, "");
    drawing.lines
}

/// What hangs on something.
enum Branch<'a> {
    Link(&'a LinkEntry),
    Source(&'a SourceEntry),
    Point(&'a str),
}

struct Drawing<'a> {
    found: &'a TopologyDocument,
    screen: Screen,
    lines: Vec<String>,
}

impl<'a> Drawing<'a> {
    /// Draws what hangs on a source, each line behind a margin.
    fn below(&mut self, parent: Option<u32>, margin: &str) {
        let branches = self.branches(parent);
        let count = branches.len();
        for (index, branch) in branches.into_iter().enumerate() {
            let is_last = index + 1 == count;
            let (fork, next) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let (line, source) = match branch {
                Branch::Link(link) => (self.link(link), Some(link.source)),
                Branch::Source(source) => (self.source(source), Some(source.source)),
                Branch::Point(name) => (text::harmless(name), None),
            };
            self.lines.push(format!("{margin}{fork}{line}"));
            if source.is_some() {
                self.below(source, &format!("{margin}{next}"));
            }
        }
    }

    fn branches(&self, parent: Option<u32>) -> Vec<Branch<'a>> {
        let found = self.found;
        let sources = [&found.adapters, &found.devices, &found.others];
        let sources = sources.into_iter().flatten();
        // The datapoints of a node itself are its links' and adapters' own.
        let sources = sources.filter(|source| source.role != "node" && source.parent == parent);
        let links = found.links.iter().filter(|link| link.parent == parent);
        let points = found.datapoints.iter().flat_map(|page| &page.items);
        let points = points.filter(|point| Some(point.source) == parent);
        sources
            .map(Branch::Source)
            .chain(points.map(|point| Branch::Point(&point.name)))
            .chain(links.map(Branch::Link))
            .collect()
    }

    fn link(&self, link: &LinkEntry) -> String {
        let mut line = self
            .screen
            .paint(Tone::Strong, text::harmless(&link.prefix));
        let state = text::harmless(&link.state);
        let tone = remotes::tone(&link.state);
        line = format!("{line}  {}", self.screen.paint(tone, state));
        if link.state != "live" {
            let since = text::moment(link.since);
            line = format!("{line} since {since}");
        }
        if let Some(lag) = link.lag.filter(|lag| *lag > 0) {
            let seconds = link.lag_seconds.unwrap_or_default();
            line = format!("{line}, {lag} entries and {} behind", text::age(seconds));
        }
        if let Some(canary) = link.canary.filter(|canary| canary.late) {
            line = format!("{line}, canary {} old", text::age(canary.age));
        }
        line = format!("{line}, {}", datapoints(link.datapoints));
        if let Some(cause) = &link.cause {
            line = format!("{line}: {}", text::harmless(cause));
        }
        if let Some(hop) = &link.quality.hop {
            line = format!("{line}, behind {}", text::harmless(hop));
        }
        match &link.action {
            Some(action) => format!("{line}. {}", text::harmless(action)),
            None => line,
        }
    }

    fn source(&self, source: &SourceEntry) -> String {
        let name = text::harmless(&source.name);
        let role = self.screen.paint(Tone::Quiet, text::harmless(&source.role));
        let state = self.state(&source.state);
        let points = datapoints(source.datapoints);
        format!("{name} {role}  {state}, {points}")
    }

    fn state(&self, state: &StateEntry) -> String {
        let mut words = text::harmless(&state.status);
        if state.reason != "ok" {
            words = format!("{words}, {}", text::harmless(&state.reason));
        }
        let words = self.screen.paint(Tone::of_status(&state.status), words);
        let words = match state.status.as_str() {
            "good" => words,
            _ => format!("{words} since {}", text::moment(state.since)),
        };
        match &state.hop {
            Some(hop) => format!("{words} at {}", text::harmless(hop)),
            None => words,
        }
    }
}

fn datapoints(count: u64) -> String {
    match count {
        1 => "1 datapoint".to_owned(),
        _ => format!("{count} datapoints"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_shows_states_and_causes() {
        let id = "00000000-0000-0000-0000-000000000001";
        let since = "2026-11-20T08:00:00Z";
        let good = serde_json::json!({"status": "good", "reason": "ok", "since": since});
        let cut = serde_json::json!({"status": "bad", "reason": "link_down", "since": since});
        let behind = serde_json::json!({
            "status": "bad", "reason": "link_down", "hop": "area", "since": since,
        });
        let link = |source: u32, parent: Option<u32>, prefix: &str, state: &str| {
            serde_json::json!({
                "source": source, "parent": parent, "prefix": prefix, "from": id, "to": id,
                "path": [], "state": state, "since": since, "datapoints": 3, "quality": good,
            })
        };
        let mut area = link(1, None, "area", "waiting");
        area["cause"] = "nobody answers".into();
        area["quality"] = cut;
        let mut line = link(2, Some(1), "area.line1", "unknown");
        line["quality"] = behind;
        let found = serde_json::json!({
            "version": "1", "topotime": 7, "node": id,
            "nodes": [{"id": id, "name": "top", "prefix": "", "roles": ["concentrator"], "path": []}],
            "links": [area, line],
            "adapters": [
                {"source": 3, "node": id, "role": "adapter", "name": "own", "path": "own",
                    "status": "good", "reason": "ok", "since": since, "datapoints": 1},
            ],
            "devices": [], "others": [],
            "datapoints": {"items": [{"name": "own.x", "source": 3, "meta":
                {"type": "f64", "access": "r", "owner": "own"}}], "next": null},
        });
        let found: TopologyDocument = serde_json::from_value(found).unwrap();
        let expected = [
            "top  concentrator",
            "├─ own adapter  good, 1 datapoint",
            "│  └─ own.x",
            "└─ area  waiting since 2026-11-20 08:00:00.000 UTC, 3 datapoints: nobody answers",
            "   └─ area.line1  unknown since 2026-11-20 08:00:00.000 UTC, 3 datapoints, behind area",
        ];
        assert_eq!(lines(&found, Screen::plain()), expected);
    }
}
