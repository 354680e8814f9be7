//! `mainstem adapters`: connections to devices and services.

mod attempt;
mod browse;
mod certificates;
mod device;
mod file;
mod import;
mod kinds;
mod log;
mod resources;
mod show;
mod trace;
mod trace_line;

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{AdapterDocument, Page};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::switch::Part;
use super::text;

#[derive(Debug, Args)]
pub(super) struct AdaptersArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all adapters
    List,
    /// Show everything about one adapter
    Show(Named),
    /// Show the last lines that an adapter said: a connector's program, and of its sessions
    Log(log::LogArgs),
    /// Disconnect an adapter until it is resumed
    Pause(Named),
    /// Connect an adapter again
    Resume(Named),
    /// Show the protocols, and how a device of each is named and asked
    Kinds,
    /// Read addresses of a device that is in no file yet, and show what they may mean; writes nothing
    Try(attempt::TryArgs),
    /// Walk what a device tells about itself, and write resources to edit; writes nothing to it
    Browse(browse::BrowseArgs),
    /// Make resources of a list of datapoints (CSV): in our own columns, or Kepware's tags
    Import(import::ImportArgs),
    /// Show the frames of a running adapter as they pass, for at most ten minutes
    Trace(trace::TraceArgs),
    /// Certificates of OPC UA servers, and our own for them: list, trust, reject, export
    #[command(subcommand)]
    Certificates(certificates::Certificates),
}

#[derive(Debug, Args)]
struct Named {
    /// The adapter.
    name: String,
}

pub(super) async fn run(args: &AdaptersArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = || Client::from_args(&args.connection);
    match &args.action {
        Action::List => list(&client()?, screen).await,
        Action::Show(Named { name }) => {
            let adapter: AdapterDocument = client()?.get(&path(name)).await?;
            show::run(&adapter, screen)
        }
        Action::Log(log) => log::run(&client()?, log, screen).await,
        Action::Pause(Named { name }) => command(&client()?, screen, name, "pause").await,
        Action::Resume(Named { name }) => command(&client()?, screen, name, "resume").await,
        Action::Kinds => kinds::run(screen),
        // These speak to the device themselves; no node needs to run.
        Action::Try(args) => Box::pin(attempt::run(args, screen)).await,
        Action::Browse(args) => Box::pin(browse::run(args, screen)).await,
        Action::Import(args) => import::run(args, screen),
        Action::Trace(args) => trace::run(args, &client()?, screen).await,
        // Trust is given on the node's own machine, whether the node runs or not.
        Action::Certificates(action) => certificates::run(action, &args.connection, screen),
    }
}

fn path(name: &str) -> String {
    format!("/api/v1/adapters/{}", escaped(name))
}

async fn command(
    client: &Client,
    screen: Screen,
    name: &str,
    action: &str,
) -> Result<Exit, Failure> {
    let shown = |adapter: &AdapterDocument| (adapter.name.clone(), adapter.state.clone());
    let part = Part {
        path: &path(name),
        shown,
        tone,
    };
    part.switch(client, screen, action).await
}

async fn list(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let page: Page<AdapterDocument> = client.get("/api/v1/adapters").await?;
    screen.list(&page, "This node has no adapters.", table)?;
    Ok(Exit::Done)
}

fn table(adapters: &[AdapterDocument], screen: Screen) -> Table {
    let headings = [
        "NAME",
        "KIND",
        "STATE",
        "POINTS",
        "SAMPLES/S",
        "ROUND TRIP",
        "CAUSE",
    ];
    let mut table = screen.table(&headings, &[6]);
    for adapter in adapters {
        let cause = adapter.cause.as_ref().map_or("", |cause| &cause.message);
        table.add_row([
            screen.cell(text::harmless(&adapter.name), Tone::Plain),
            screen.cell(text::harmless(&adapter.kind), Tone::Quiet),
            screen.cell(text::harmless(&adapter.state), tone(&adapter.state)),
            screen.cell(adapter.points, Tone::Plain),
            screen.cell(format!("{:.1}", adapter.rates.sample_rate), Tone::Plain),
            screen.cell(
                text::milliseconds(adapter.rates.round_trip.p50),
                Tone::Plain,
            ),
            screen.cell(text::harmless(cause), Tone::Plain),
        ]);
    }
    table
}

fn tone(state: &str) -> Tone {
    match state {
        "online" => Tone::Good,
        "paused" | "stopped" => Tone::Quiet,
        "connecting" => Tone::Warning,
        _ => Tone::Bad,
    }
}

#[cfg(test)]
mod tests;
