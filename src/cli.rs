//! The command line: one file per subcommand.

mod adapters;
mod alarms;
mod aliases;
mod bus;
mod check;
mod client;
mod connection;
mod demo;
mod doctor;
mod entry;
mod exit;
mod flowsync;
mod init;
mod loggers;
mod mappings;
mod modbus_servers;
mod opcua_server;
mod points;
mod readers;
mod remotes;
mod rename;
mod run;
mod screen;
mod support;
mod switch;
mod text;
mod token;
mod topology;
mod uplinks;
mod variables;
mod writes;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::{EXIT_CODES, Exit, Failure};
use screen::{Screen, Tone};

/// A hierarchical server-to-server replication hub for industry.
///
/// Reads devices, gives every value a quality that tells the truth, replicates it from node to
/// node, and carries writes back down to the device that owns it.
#[derive(Debug, Parser)]
#[command(name = "mainstem", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    style: Style,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Style {
    /// Print documents (JSON) for programs instead of text for eyes.
    #[arg(long, global = true)]
    json: bool,
    /// Print without colours; so does a variable `NO_COLOR` that is not empty.
    #[arg(
        long,
        global = true,
        env = "NO_COLOR",
        hide_env = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        hide = true,
        value_name = "WHY"
    )]
    no_color: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a whole enterprise on this machine: four nodes and four simulated devices
    Demo(demo::DemoArgs),
    /// Write a node file to start from
    Init(init::InitArgs),
    /// Tell everything that is wrong with a node file; connects to nothing
    Check(check::CheckArgs),
    /// Run a node
    Run(run::RunArgs),
    /// Datapoints: list, get, set, explain, watch
    Points(points::PointsArgs),
    /// GUI variables: list, show, set, remove
    Variables(variables::VariablesArgs),
    /// Adapters: list, show, pause, resume, log, trace; try, browse and import devices; certificates
    Adapters(adapters::AdaptersArgs),
    /// Remotes: list, show, pause, resume, resync
    Remotes(remotes::RemotesArgs),
    /// Uplinks: list
    Uplinks(uplinks::UplinksArgs),
    /// Remote support: open this node for it, close it, show
    Support(support::SupportArgs),
    /// Held requests: list, show, watch
    Flowsync(flowsync::FlowsyncArgs),
    /// Data loggers: list, show, export
    Loggers(loggers::LoggersArgs),
    /// Mappings: list, try rules by hand
    Mappings(mappings::MappingsArgs),
    /// The OPC UA server: show; certificates of its clients: list, trust, reject
    OpcuaServer(opcua_server::OpcuaServerArgs),
    /// Show the Modbus servers of the node
    ModbusServers(modbus_servers::ModbusServersArgs),
    /// The bus: status, sub, pub
    Bus(bus::BusArgs),
    /// The tree of nodes, links and devices, with what is wrong where
    Topology(topology::TopologyArgs),
    /// Aliases: old names that still lead somewhere
    Aliases(aliases::AliasesArgs),
    /// Rename a datapoint, an adapter or a remote in a node file; the old name stays as an alias
    Rename(rename::RenameArgs),
    /// What is wrong at this node and below it, where, and what to do
    Doctor(doctor::DoctorArgs),
    /// Readers of changes: who reads, how far behind, what was left out
    Readers(readers::ReadersArgs),
    /// Writes: list, show
    Writes(writes::WritesArgs),
    /// Alarms: what needs somebody
    Alarms(alarms::AlarmsArgs),
    /// Tokens: create, list, revoke
    Token(token::TokenArgs),
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let no_color = cli.style.no_color.is_some_and(|reason| !reason.is_empty());
    let screen = Screen::new(cli.style.json, no_color);
    let outcome = match tokio::runtime::Runtime::new() {
        // The futures of whole nodes are large, so they go to the heap.
        Ok(runtime) => runtime.block_on(Box::pin(dispatch(cli.command, screen))),
        Err(error) => Err(Failure::new(
            Exit::Failure,
            format!("cannot start: {error}"),
        )),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            report(&failure, screen);
            failure.exit.into()
        }
    }
}

async fn dispatch(command: Command, screen: Screen) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => Box::pin(demo::run(args, screen)).await,
        Command::Init(args) => init::run(&args, screen),
        Command::Check(args) => check::run(&args, screen),
        Command::Run(args) => Box::pin(run::run(&args)).await,
        Command::Points(args) => points::run(&args, screen).await,
        Command::Variables(args) => variables::run(&args, screen).await,
        Command::Adapters(args) => adapters::run(&args, screen).await,
        Command::Remotes(args) => remotes::run(&args, screen).await,
        Command::Uplinks(args) => uplinks::run(&args, screen).await,
        Command::Support(args) => support::run(&args, screen).await,
        Command::Flowsync(args) => flowsync::run(&args, screen).await,
        Command::Mappings(args) => mappings::run(&args, screen).await,
        Command::Loggers(args) => loggers::run(&args, screen).await,
        Command::ModbusServers(args) => modbus_servers::run(&args, screen).await,
        Command::OpcuaServer(args) => opcua_server::run(&args, screen).await,
        Command::Bus(args) => bus::run(&args, screen).await,
        Command::Topology(args) => topology::run(&args, screen).await,
        Command::Aliases(args) => aliases::run(&args, screen).await,
        Command::Rename(args) => rename::run(&args, screen),
        Command::Doctor(args) => doctor::run(&args, screen).await,
        Command::Readers(args) => readers::run(&args, screen).await,
        Command::Writes(args) => writes::run(&args, screen).await,
        Command::Alarms(args) => alarms::run(&args, screen).await,
        Command::Token(args) => token::run(&args, screen).await,
    }
}

/// Says on standard error why a command failed.
fn report(failure: &Failure, screen: Screen) {
    if failure.is_silent() {
        return;
    }
    let text = if screen.is_json() {
        failure.to_json().to_string()
    } else {
        let heading = screen.paint_error(Tone::Bad, "error:");
        let action = failure
            .action
            .as_deref()
            .map(|action| format!("\n{} {action}", screen.paint_error(Tone::Strong, "  try:")));
        format!(
            "{heading} {}{}",
            failure.message,
            action.unwrap_or_default()
        )
    };
    // Where nobody listens, nobody misses it; the exit code says the rest.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

#[cfg(test)]
mod tests;
