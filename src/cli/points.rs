//! `mainstem points`: datapoints of a node.

mod explain;
mod get;
mod list;
pub(super) mod set;
mod watch;

use clap::{Args, Subcommand};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::Screen;

#[derive(Debug, Args)]
pub(super) struct PointsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show datapoints with value, quality and age
    List(list::ListArgs),
    /// Show everything about one datapoint
    Get(get::GetArgs),
    /// Write a value, and show its way to the device and back
    Set(set::SetArgs),
    /// Tell whether a write would be carried out, and which rule where would refuse it
    Explain(explain::ExplainArgs),
    /// Show each change as it happens
    Watch(watch::WatchArgs),
}

pub(super) async fn run(args: &PointsArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::List(args) => list::run(args, &client, screen).await,
        Action::Get(args) => get::run(args, &client, screen).await,
        Action::Set(args) => set::run(args, &client, screen).await,
        Action::Explain(args) => explain::run(args, &client, screen).await,
        Action::Watch(args) => watch::run(args, &client, screen).await,
    }
}
