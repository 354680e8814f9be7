//! `mainstem aliases`: old names that still lead somewhere, and whether somebody needs them.

use clap::{Args, Subcommand};
use mainstem_wire::api::{AliasDocument, Page};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct AliasesArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show old names, what they lead to, and when they were needed last
    List,
}

pub(super) async fn run(args: &AliasesArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match args.action {
        Action::List => list(&client, screen).await,
    }
}

async fn list(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let mut all: Vec<AliasDocument> = Vec::new();
    let mut path = "/api/v1/aliases".to_owned();
    loop {
        let page: Page<AliasDocument> = client.get(&path).await?;
        all.extend(page.items);
        match page.next {
            Some(after) => path = format!("/api/v1/aliases?after={}", escaped(&after)),
            None => break,
        }
    }
    if screen.is_json() {
        screen.document(&Page::whole(all))?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        screen.line("No aliases.")?;
        return Ok(Exit::Done);
    }
    let mut table = screen.table(&["OLD NAME", "NEW NAME", "VIA", "USES", "LAST USED"], &[]);
    for alias in &all {
        let tone = if alias.leads_somewhere {
            Tone::Plain
        } else {
            Tone::Warning
        };
        let last = alias.last_used.map_or("never".to_owned(), text::moment);
        table.add_row([
            screen.cell(text::harmless(&alias.from), Tone::Plain),
            screen.cell(text::harmless(&alias.to), tone),
            screen.cell(
                text::harmless(alias.via.as_deref().unwrap_or("this node")),
                Tone::Plain,
            ),
            screen.cell(alias.uses, Tone::Plain),
            screen.cell(last, Tone::Plain),
        ]);
    }
    screen.show(&table)?;
    Ok(Exit::Done)
}
