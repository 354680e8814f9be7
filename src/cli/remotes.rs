//! `mainstem remotes`: the nodes below, and the links to them.

mod show;

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{Page, RemoteDocument};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::switch::Part;
use super::text;

#[derive(Debug, Args)]
pub(super) struct RemotesArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all remotes
    List,
    /// Show everything about one remote
    Show(Named),
    /// Hang up and do not dial until the remote is resumed
    Pause(Named),
    /// Dial again
    Resume(Named),
    /// Look anew at everything: names, definitions and values; what differs is fetched
    Resync {
        #[command(flatten)]
        named: Named,
        /// Fetch everything, also what is the same here
        #[arg(long)]
        full: bool,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The remote, by its name at this node.
    name: String,
}

pub(super) async fn run(args: &RemotesArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::List => list(&client, screen).await,
        Action::Show(Named { name }) => {
            let remote: RemoteDocument = client.get(&path(name)).await?;
            show::run(&remote, screen)
        }
        Action::Pause(Named { name }) => command(&client, screen, name, "pause").await,
        Action::Resume(Named { name }) => command(&client, screen, name, "resume").await,
        Action::Resync {
            named: Named { name },
            full,
        } => {
            let action = if *full { "resync?full=true" } else { "resync" };
            command(&client, screen, name, action).await
        }
    }
}

fn path(name: &str) -> String {
    format!("/api/v1/remotes/{}", escaped(name))
}

async fn command(
    client: &Client,
    screen: Screen,
    name: &str,
    action: &str,
) -> Result<Exit, Failure> {
    let shown = |remote: &RemoteDocument| (remote.name.clone(), remote.state.clone());
    let part = Part {
        path: &path(name),
        shown,
        tone,
    };
    part.switch(client, screen, action).await
}

async fn list(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let page: Page<RemoteDocument> = client.get("/api/v1/remotes").await?;
    screen.list(&page, "This node has no remotes.", table)?;
    Ok(Exit::Done)
}

fn table(remotes: &[RemoteDocument], screen: Screen) -> Table {
    let headings = [
        "NAME",
        "STATE",
        "ADDRESS",
        "HEARD",
        "LAG",
        "CANARY",
        "CLOCK",
        "CAUSE AND NEXT ACTION",
    ];
    let mut table = screen.table(&headings, &[7]);
    for remote in remotes {
        let heard = remote.heard.map_or_else(|| "–".to_owned(), text::age);
        let (canary, worth) = canary(remote);
        table.add_row([
            screen.cell(text::harmless(&remote.name), Tone::Plain),
            screen.cell(text::harmless(&remote.state), tone(&remote.state)),
            screen.cell(text::harmless(&remote.address), Tone::Quiet),
            screen.cell(heard, Tone::Plain),
            screen.cell(lag(remote), Tone::Plain),
            screen.cell(canary, worth),
            screen.cell(clock(remote), Tone::Plain),
            screen.cell(why(remote), Tone::Plain),
        ]);
    }
    table
}

/// Entries behind, and for how long.
fn lag(remote: &RemoteDocument) -> String {
    match (remote.lag, remote.lag_seconds) {
        (None, _) => "–".to_owned(),
        (Some(lag), Some(seconds)) if lag > 0 => format!("{lag}, {}", text::age(seconds)),
        (Some(lag), _) => lag.to_string(),
    }
}

/// The age of its canary.
fn canary(remote: &RemoteDocument) -> (String, Tone) {
    match remote.canary {
        None => ("–".to_owned(), Tone::Plain),
        Some(canary) if canary.late => (text::age(canary.age), Tone::Bad),
        Some(canary) => (text::age(canary.age), Tone::Plain),
    }
}

/// Why it is not live, and what comes next.
fn why(remote: &RemoteDocument) -> String {
    let cause = remote
        .cause
        .as_deref()
        .map(|cause| format!("{}.", text::harmless(cause)));
    let action = remote.action.as_deref().map(text::harmless);
    let words: Vec<String> = cause.into_iter().chain(action).collect();
    words.join(" ")
}

/// How far the remote's clock is ahead.
fn clock(remote: &RemoteDocument) -> String {
    remote.clock.as_ref().map_or_else(
        || "–".to_owned(),
        |clock| format!("{:+.1} ms", clock.offset * 1000.0),
    )
}

pub(super) fn tone(state: &str) -> Tone {
    match state {
        "live" => Tone::Good,
        "paused" | "resting" => Tone::Quiet,
        "connecting" | "snapshot" | "replaying" | "degraded" => Tone::Warning,
        _ => Tone::Bad,
    }
}

#[cfg(test)]
mod tests;
