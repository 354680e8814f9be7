//! `mainstem writes`: what was written, by whom, and what became of it.

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_model::{Timestamp, WriteState};
use mainstem_wire::api::write::{WriteEntry, WritesDocument};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct WritesArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the writes that the node keeps, newest first
    List(ListArgs),
    /// Show one write, hop by hop
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Datapoints that they are for: a name or a pattern, more of them with commas between.
    glob: Option<String>,
    /// Who asked for them.
    #[arg(long)]
    principal: Option<String>,
    /// How far they came: accepted, forwarded, applied, rejected, expired or unknown.
    #[arg(long)]
    state: Option<String>,
    /// Those that came at this moment or later, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    from: Option<Timestamp>,
    /// Those that came before this moment.
    #[arg(long, value_name = "MOMENT")]
    to: Option<Timestamp>,
    /// How many at the most.
    #[arg(short = 'n', long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Those behind this place: the `next` of the part before.
    #[arg(long, value_name = "PLACE")]
    after: Option<u64>,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The write's id.
    id: String,
}

pub(super) async fn run(args: &WritesArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::List(args) => list(args, &client, screen).await,
        Action::Show(args) => show(args, &client, screen).await,
    }
}

async fn list(args: &ListArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let found: WritesDocument = client.get(&args.path()).await?;
    if screen.is_json() {
        screen.document(&found)?;
        return Ok(Exit::Done);
    }
    if !found.items.is_empty() {
        screen.show(&table(&found.items, screen))?;
    }
    screen.line(reach(&found))?;
    Ok(Exit::Done)
}

impl ListArgs {
    fn path(&self) -> String {
        let mut path = format!("/api/v1/writes?limit={}", self.limit);
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let parameters = [
            ("glob", self.glob.clone()),
            ("principal", self.principal.clone()),
            ("state", self.state.clone()),
            ("from", moment(self.from)),
            ("to", moment(self.to)),
            ("after", self.after.map(|after| after.to_string())),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", escaped(&value)));
            }
        }
        path
    }
}

/// How far back the answer can reach, and where to go on.
fn reach(found: &WritesDocument) -> String {
    let kept = &found.kept;
    let oldest = kept.oldest.map_or_else(
        || "This node keeps no writes yet".to_owned(),
        |at| {
            format!(
                "This node keeps {} writes, the oldest of {}",
                kept.writes,
                text::moment(at)
            )
        },
    );
    let bounds = format!(
        "{oldest}; at most {} for {}.",
        kept.writes_max,
        text::harmless(&kept.kept_for)
    );
    match &found.next {
        Some(next) => format!("{bounds} More: --after {}", text::harmless(next)),
        None => bounds,
    }
}

fn table(writes: &[WriteEntry], screen: Screen) -> Table {
    let headings = ["AT", "DATAPOINT", "VALUE", "STATE", "WHO", "ID", "WHY"];
    let mut table = screen.table(&headings, &[6]);
    for entry in writes {
        let write = &entry.write;
        let why = write.message.as_deref().or(write.reason.as_deref());
        table.add_row([
            screen.cell(text::moment(entry.at), Tone::Quiet),
            screen.cell(text::harmless(&write.name), Tone::Strong),
            screen.cell(
                text::harmless(entry.value.as_deref().unwrap_or("–")),
                Tone::Plain,
            ),
            screen.cell(write.state.as_str(), tone(write.state)),
            screen.cell(text::harmless(&entry.principal), Tone::Plain),
            screen.cell(write.id.to_string(), Tone::Quiet),
            screen.cell(text::harmless(why.unwrap_or_default()), Tone::Plain),
        ]);
    }
    table
}

async fn show(args: &ShowArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let path = format!("/api/v1/writes/{}", escaped(&args.id));
    let entry: WriteEntry = client.get(&path).await?;
    if screen.is_json() {
        screen.document(&entry)?;
        return Ok(Exit::Done);
    }
    for line in lines(&entry, screen) {
        screen.line(line)?;
    }
    Ok(Exit::Done)
}

fn lines(entry: &WriteEntry, screen: Screen) -> Vec<String> {
    let write = &entry.write;
    let value = entry
        .value
        .as_deref()
        .unwrap_or("a value that is not known any more");
    let state = screen.paint(tone(write.state), write.state.as_str());
    let verified = if write.verified { ", verified" } else { "" };
    let address = entry.address.as_deref();
    let from = address.map(|address| format!(" from {}", text::harmless(address)));
    let mut lines = vec![
        format!(
            "{} = {}",
            text::harmless(&write.name),
            text::harmless(value)
        ),
        format!("{state}{verified}"),
        format!(
            "by {}{}",
            text::harmless(&entry.principal),
            from.unwrap_or_default()
        ),
        format!(
            "at {}, until {}",
            text::moment(entry.at),
            text::moment(write.deadline)
        ),
    ];
    if !entry.originators.is_empty() {
        let who = entry.originators.join(", ");
        lines.push(format!("for {}", text::harmless(&who)));
    }
    let said = [&write.reason, &write.message].into_iter().flatten();
    lines.extend(said.map(|text| text::harmless(text).to_string()));
    lines.extend(
        write
            .hop
            .as_ref()
            .map(|hop| format!("hop {}", text::harmless(hop))),
    );
    let hops = write.hops.iter().map(|hop| {
        let (node, at) = (text::harmless(&hop.node), text::moment(hop.at));
        format!("  {node}: {} at {at}", hop.state.as_str())
    });
    lines.extend(hops);
    lines
}

fn tone(state: WriteState) -> Tone {
    match state {
        WriteState::Applied => Tone::Good,
        WriteState::Accepted | WriteState::Forwarded => Tone::Plain,
        WriteState::Unknown => Tone::Warning,
        WriteState::Rejected | WriteState::Expired => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> WriteEntry {
        serde_json::from_value(serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001", "name": "plc.setpoint",
            "state": "rejected", "reason": "limits", "message": "200 is outside 0 to 100",
            "hops": [{"node": "line1", "state": "rejected", "at": "2026-11-20T08:00:00Z"}],
            "deadline": "2026-11-20T08:00:05Z", "principal": "bob", "at": "2026-11-20T08:00:00Z",
            "value": "200", "originators": [],
        }))
        .unwrap()
    }

    #[test]
    fn a_write_tells_who_asked_and_what_became_of_it() {
        let expected = [
            "plc.setpoint = 200",
            "rejected",
            "by bob",
            "at 2026-11-20 08:00:00.000 UTC, until 2026-11-20 08:00:05.000 UTC",
            "limits",
            "200 is outside 0 to 100",
            "  line1: rejected at 2026-11-20 08:00:00.000 UTC",
        ];
        assert_eq!(lines(&entry(), Screen::plain()), expected);
        let shown = table(&[entry()], Screen::plain()).to_string();
        assert!(
            shown.contains("bob") && shown.contains("200 is outside"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_looked_for_stands_in_the_address() {
        let args = ListArgs {
            glob: Some("plc.**".into()),
            principal: Some("bob & co".into()),
            state: None,
            from: Some("2026-11-20T08:00:00Z".parse().unwrap()),
            to: None,
            limit: 7,
            after: Some(3),
        };
        let path = "/api/v1/writes?limit=7&glob=plc.**&principal=bob%20%26%20co\
                    &from=2026-11-20T08%3A00%3A00Z&after=3";
        let found = args.path();
        assert!(
            found == path || found.contains("from=2026-11-20T08%3A00%3A00.000000Z"),
            "{found}"
        );
    }
}
