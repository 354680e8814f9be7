//! A publisher and a reader for the benchmarks against peers. They know nothing of the node but
//! its public API, and keep the scoreboard of the peers' harness.
#![allow(
    clippy::print_stdout,
    reason = "the harness reads the report from the standard output"
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod board;
mod connection;
mod frames;
mod histogram;
mod options;
mod pacer;
mod points;
mod publish;
mod recorder;
mod rows;
mod subscribe;

use clap::Parser as _;
use options::{Command, Options};

/// Ticks of the runtime between two looks at the sockets: the publisher's pauses are ticks.
const EVENT_INTERVAL: u32 = 2;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .event_interval(EVENT_INTERVAL)
        .enable_all()
        .build()?;
    let report = match &options.command {
        Command::Pub(options) => runtime.block_on(publish::run(options))?,
        Command::Sub(options) => runtime.block_on(subscribe::run(options))?,
    };
    println!("{report}");
    Ok(())
}
