//! `mainstem run`: a node until somebody stops it.

mod service;
mod watchdog;

use std::path::{Path, PathBuf};

use clap::Args;
use mainstem_config::{LogFormat, LogLevel, NodeConfig};
use mainstem_telemetry::logging::{self, Format};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

use super::connection::{meant_node_file, plain};
use super::exit::{Exit, Failure};
use crate::app::{Node, kinds};
use service::Service;

/// What is left out of the log unless somebody debugs.
const QUIET: &str = ",opcua_core::comms::secure_channel=off";

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The node file. By default ./node.yaml, ./config/node.yaml or /etc/mainstem/node.yaml,
    /// whichever exists first.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Stop when standard input is closed: whoever started this node has ended.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

pub(super) async fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let file = meant_node_file(args.config.as_deref());
    let config = match mainstem_config::load(&file, kinds()) {
        Ok(config) => config,
        Err(problems) => {
            return Err(Failure::new(
                Exit::Configuration,
                format!("the node was not started\n\n{problems}"),
            )
            .action("mend the file; `mainstem check` tells the same without starting"));
        }
    };
    init_log(&config)?;
    let service = Service::new();
    // Signals are taken over before anything is started, so that none of them is lost.
    let mut signals = Signals::new()?;
    let node = Box::pin(Node::start(config)).await.map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("the node cannot be started: {error:#}"),
        )
    })?;
    announce(&node);
    let tasks = TaskTracker::new();
    let watchdog = watchdog::start(&tasks, service, node.store());
    service.ready();
    loop {
        match signals.next(args.until_stdin_closes).await {
            Wish::Reload => {
                service.reloading();
                reload(&node, &file).await;
                service.ready();
            }
            Wish::Stop(why) => {
                tracing::info!(why, "the node stops");
                break;
            }
        }
    }
    service.stopping();
    node.stop().await;
    watchdog.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(Exit::Done)
}

fn init_log(config: &NodeConfig) -> Result<(), Failure> {
    let format = match config.log.format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    let mut level = config.log.level.as_str().to_owned();
    if !matches!(config.log.level, LogLevel::Debug | LogLevel::Trace) {
        // Without a security policy it misses a certificate that nobody needs, as an error.
        level.push_str(QUIET);
    }
    logging::init(format, &level).map_err(|error| Failure::new(Exit::Failure, error.to_string()))
}

/// Says where the node is and how it is recognised, for whoever reads the log.
fn announce(node: &Node) {
    let facts = node.facts();
    for address in node.addresses() {
        tracing::info!("serving at https://{address}");
    }
    if let Some(socket) = &facts.unix_socket {
        tracing::info!("serving local programs at {}", plain(socket).display());
    }
    tracing::info!(
        "node {} ({}), its key is {}",
        facts.name,
        facts.id,
        facts.pin
    );
    tracing::info!(
        "clients verify it with --ca {}",
        plain(&facts.ca_file).display()
    );
    if facts.admin_token_file.exists() {
        tracing::info!(
            "the administrator's token is in {}",
            plain(&facts.admin_token_file).display()
        );
    }
}

/// Applies the file as it is now; if anything in it is wrong, the node goes on as it was.
async fn reload(node: &Node, file: &Path) {
    let config = match mainstem_config::load(file, kinds()) {
        Ok(config) => config,
        Err(problems) => {
            for problem in &problems.problems {
                tracing::error!(
                    "{}:{}:{}: {}: {}; expected {}",
                    problem.file.display(),
                    problem.line,
                    problem.column,
                    problem.key,
                    problem.message,
                    problem.expected
                );
            }
            let count = problems.problems.len() + problems.left_out;
            tracing::error!(
                count,
                "the changed file has problems; the node goes on as it was"
            );
            return;
        }
    };
    match node.reload(config).await {
        Err(error) => {
            tracing::error!("the changed file could not be applied: {error:#}");
        }
        Ok(report) => {
            for (part, why) in &report.failed {
                tracing::error!(part, why, "a part could not be started");
            }
            for section in &report.needs_restart {
                tracing::warn!(section, "changed; this counts after a restart");
            }
            tracing::info!(
                started = report.started.join(" "),
                removed = report.removed.join(" "),
                unchanged = report.unchanged.len(),
                "the changed file is applied"
            );
        }
    }
}

/// What somebody wants of the running node.
enum Wish {
    Reload,
    Stop(&'static str),
}

/// Everybody who can want something.
struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    input: tokio::io::Stdin,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Exit::Failure, format!("cannot listen to signals: {error}"))
            })
        };
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            input: tokio::io::stdin(),
        })
    }

    async fn next(&mut self, until_input_closes: bool) -> Wish {
        tokio::select! {
            _ = self.hangup.recv() => Wish::Reload,
            _ = self.terminate.recv() => Wish::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Wish::Stop("SIGINT"),
            () = closed(&mut self.input), if until_input_closes => {
                Wish::Stop("standard input was closed")
            }
        }
    }
}

/// Waits until nobody holds the other end of standard input.
pub(super) async fn closed(input: &mut tokio::io::Stdin) {
    let mut ignored = [0; 64];
    while matches!(input.read(&mut ignored).await, Ok(1..)) {}
}
