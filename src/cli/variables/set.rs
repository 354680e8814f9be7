//! `mainstem variables set`: a write to a variable, and its way hop by hop.

use std::time::Duration;

use clap::Args;
use hyper::Method;
use mainstem_wire::api::SetVariableDocument;
use serde_json::value::to_raw_value;

use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::points::set::{duration, tell};
use crate::cli::screen::Screen;
use crate::cli::text;

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The variable. One of this node is made if it is not there.
    name: String,
    /// The new text.
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// How long the write may take to reach its owner; later it is not carried out.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    wait: Duration,
    /// An idempotency key: with the same key the same write is carried out once, however often it
    /// is asked for.
    #[arg(long)]
    key: Option<String>,
}

pub(super) async fn run(args: &SetArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let wrong = |error| Failure::new(Exit::Usage, format!("this is no text: {error}"));
    let request = SetVariableDocument {
        value: to_raw_value(&args.value).map_err(wrong)?,
        key: args.key.clone(),
        deadline_ms: Some(u64::try_from(args.wait.as_millis()).unwrap_or(u64::MAX)),
        deadline: None,
    };
    let path = super::path(&args.name);
    let answer = client
        .send(Method::PUT, &path, Some(&request), args.wait)
        .await?;
    tell(&answer, &text::harmless(&args.value), screen)
}
