//! The command line. The options of load have the names that all generators of the harness know.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Load for the benchmarks against peers.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Provides samples: one POST /api/v1/samples whose body goes on.
    Pub(PubOptions),
    /// Reads every sample: one GET /api/v1/changes whose answer goes on.
    Sub(SubOptions),
}

/// Which node, and as whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeOptions {
    /// Host and port of the node's HTTPS listener.
    #[arg(long, default_value = "127.0.0.1:8443")]
    pub(crate) addr: String,
    /// The node's CA file (PEM).
    #[arg(long)]
    pub(crate) ca: PathBuf,
    /// The token.
    #[arg(long)]
    pub(crate) token: String,
    /// The scoreboard, made by the harness.
    #[arg(long)]
    pub(crate) file: PathBuf,
}

/// How samples stand in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// One frame of rows per chunk; names are defined once.
    Rows,
    /// One line with one named sample per update, so many lines per chunk.
    Named,
    /// One row per chunk.
    Single,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct PubOptions {
    #[command(flatten)]
    pub(crate) node: NodeOptions,
    /// How samples stand in the body.
    #[arg(long, value_enum, default_value_t = Shape::Rows)]
    pub(crate) shape: Shape,
    /// Samples in one chunk at most.
    #[arg(long, default_value_t = 128)]
    pub(crate) batch: u64,
    /// Segments of the names that the token's prefix already stands for.
    #[arg(long, default_value_t = 1)]
    pub(crate) below: usize,
    /// Updates per second; 0 is as fast as the window allows.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) rate: f64,
    /// Updates that may be sent and not received.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) window: u64,
    /// How long, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) secs: f64,
    /// How many updates at most.
    #[arg(long, default_value_t = u64::MAX)]
    pub(crate) count: u64,
    /// After so many seconds odd points fall silent; 0 is never.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) quiet_at: f64,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SubOptions {
    #[command(flatten)]
    pub(crate) node: NodeOptions,
    /// `every` or `latest`.
    #[arg(long, default_value = "every")]
    pub(crate) delivery: String,
    /// Seconds from the publisher's start that latency leaves out.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) warm: f64,
    /// Seconds after which to stop whatever happens.
    #[arg(long, default_value_t = 120.0)]
    pub(crate) max: f64,
    /// Seconds without a sample after which nothing more is expected.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) grace: f64,
    /// Stop once every point was seen.
    #[arg(long)]
    pub(crate) sync: bool,
}
