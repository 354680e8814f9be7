//! `mainstem variables`: GUI variables of a node.

mod list;
mod set;
mod show;

use std::time::Duration;

use clap::{Args, Subcommand};
use hyper::Method;

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::Screen;
use super::text;

#[derive(Debug, Args)]
pub(super) struct VariablesArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show variables with text and quality
    List(list::ListArgs),
    /// Show everything about one variable
    Show(Named),
    /// Set a variable, and show its way to its owner
    Set(set::SetArgs),
    /// Remove a variable of this node
    Remove(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The variable.
    name: String,
}

pub(super) async fn run(args: &VariablesArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::List(args) => list::run(args, &client, screen).await,
        Action::Show(named) => show::run(&named.name, &client, screen).await,
        Action::Set(args) => set::run(args, &client, screen).await,
        Action::Remove(named) => remove(&named.name, &client, screen).await,
    }
}

/// The resource of a variable.
fn path(name: &str) -> String {
    format!("/api/v1/variables/{}", escaped(name))
}

/// A name that is not there: how to find one that is.
fn hint(failure: Failure) -> Failure {
    match failure.exit {
        Exit::NotFound => failure.action("`mainstem variables list` shows the names"),
        _ => failure,
    }
}

async fn remove(name: &str, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let answer = client
        .send(Method::DELETE, &path(name), None::<&()>, Duration::ZERO)
        .await?;
    answer.done().map_err(hint)?;
    if screen.is_json() {
        screen.document(&serde_json::json!({ "name": name, "removed": true }))?;
    } else {
        screen.line(format!("{} is no more.", text::harmless(name)))?;
    }
    Ok(Exit::Done)
}
