//! `mainstem demo`: a whole enterprise on this machine. Two lines, each with a PLC and an OPC UA
//! server, a plant above them and the enterprise above the plant. Every node is a full one, and
//! they speak to each other over their listeners only.

mod crew;
mod devices;
mod files;
mod plan;
mod show;
mod stage;
mod wait;

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::{Exit, Failure};
use super::run::closed;
use super::screen::Screen;
use stage::Stage;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where node files and data go; by default a temporary folder that is removed at the end.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The port of line1; line2, plant1 and enterprise get the next ones. 0 is any free ports.
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = first_port)]
    port: u16,
    /// Give each node a process of its own.
    #[arg(long)]
    processes: bool,
}

/// A port behind which there is room for the other nodes.
fn first_port(text: &str) -> Result<u16, String> {
    const LAST: u16 = u16::MAX - plan::NODES.len() as u16 + 1;
    match text.parse() {
        Ok(port) if port <= LAST => Ok(port),
        _ => Err(format!("expected a number from 0 to {LAST}")),
    }
}

pub(super) async fn run(args: DemoArgs, screen: Screen) -> Result<Exit, Failure> {
    let mut stop = Stop::new(screen.is_json())?;
    let mut stage = Stage::default();
    let outcome = tokio::select! {
        outcome = Box::pin(play(&args, &mut stage, screen)) => outcome,
        () = stop.wanted() => Ok(()),
    };
    if screen.is_terminal() {
        // The terminal has shown ^C where the line begins.
        screen.part("\r\n  Stopping… ")?;
    }
    stage.stop().await;
    if screen.is_terminal() {
        screen.line("done.")?;
    }
    outcome.map(|()| Exit::Done)
}

/// Builds everything up, tells about it, and stays until it is cancelled.
async fn play(args: &DemoArgs, stage: &mut Stage, screen: Screen) -> Result<(), Failure> {
    let mut progress = show::Progress::begin(screen)?;
    let plan = stage
        .build(args.dir.as_deref(), args.port, &mut progress)
        .await?;
    stage
        .start_nodes(&plan, args.processes, &mut progress)
        .await?;
    wait::until_good(&plan, &mut progress).await?;
    if screen.is_json() {
        screen.document_line(&show::document(&plan, stage))?;
    } else {
        show::everything(&plan, stage, screen)?;
    }
    stage.watch(&plan, screen).await
}

/// Whoever can end the demo.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    input: Option<tokio::io::Stdin>,
}

impl Stop {
    /// Signals; for programs also the end of standard input.
    fn new(input: bool) -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Exit::Failure, format!("cannot listen to signals: {error}"))
            })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            input: input.then(tokio::io::stdin),
        })
    }

    async fn wanted(&mut self) {
        let input = async {
            match &mut self.input {
                Some(input) => closed(input).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
            () = input => {}
        }
    }
}
