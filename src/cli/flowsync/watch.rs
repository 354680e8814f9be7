//! `mainstem flowsync watch`: a line for each request that ends.

use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use mainstem_wire::api::{TransactionDocument, TransactionsDocument};

use super::{path, said, tone};
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;
use crate::cli::text;

/// How often the node is asked.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// What is asked for at a time: a node keeps 1000 unless it is told otherwise.
const LIMIT: u16 = 1000;

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The server node.
    node: Option<String>,
    /// End after so many.
    #[arg(long)]
    count: Option<u64>,
}

pub(super) async fn run(
    args: &WatchArgs,
    client: &Client,
    screen: Screen,
) -> Result<Exit, Failure> {
    let path = path(args.node.as_deref(), LIMIT);
    let (mut seen, mut told): (Option<HashSet<String>>, u64) = (None, 0);
    loop {
        let document: TransactionsDocument = client.get(&path).await?;
        if let Some(seen) = &seen {
            // The last first: told in the order in which they ended.
            let new = document
                .ended
                .iter()
                .rev()
                .filter(|ended| !seen.contains(&ended.id));
            for ended in new {
                tell(ended, screen)?;
                told += 1;
                if args.count == Some(told) {
                    return Ok(Exit::Done);
                }
            }
        }
        seen = Some(document.ended.into_iter().map(|ended| ended.id).collect());
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn tell(ended: &TransactionDocument, screen: Screen) -> Result<(), Failure> {
    if screen.is_json() {
        screen.document_line(ended)?;
        return Ok(());
    }
    let state = screen.paint(tone(&ended.state), &ended.state);
    let line = format!(
        "{} {} {} {state} {:.1} ms {}",
        text::moment(ended.opened),
        text::harmless(&ended.node),
        text::harmless(&ended.principal),
        ended.held_ms,
        text::harmless(&said(ended)),
    );
    screen.line(line.trim_end())?;
    Ok(())
}
