//! `mainstem mappings`: what became of their messages, and trying their rules by hand.

mod attempt;

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{MappingDocument, Page};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct MappingsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all mappings, with what became of their messages
    List,
    /// Take messages through the rules of a node file, and show what each rule does; connects to
    /// nothing
    Try(attempt::TryArgs),
}

pub(super) async fn run(args: &MappingsArgs, screen: Screen) -> Result<Exit, Failure> {
    match &args.action {
        Action::List => {
            let client = Client::from_args(&args.connection)?;
            let page: Page<MappingDocument> = client.get("/api/v1/mappings").await?;
            screen.list(&page, "This node has no mappings that you may see.", table)?;
            Ok(Exit::Done)
        }
        Action::Try(attempt) => attempt::run(attempt, screen),
    }
}

fn table(mappings: &[MappingDocument], screen: Screen) -> Table {
    let headings = [
        "ID",
        "FROM",
        "TO",
        "STATE",
        "CAME",
        "WENT",
        "HELD",
        "FAILED",
        "LAST ERROR",
    ];
    let mut table = screen.table(&headings, &[1, 2, 8]);
    for mapping in mappings {
        for item in &mapping.items {
            let (state, tone) = match (mapping.enabled, item.ready) {
                (false, _) => ("disabled", Tone::Quiet),
                (true, true) => ("ready", Tone::Good),
                (true, false) => ("not subscribed", Tone::Bad),
            };
            let error = item.last_error.as_ref().map(|error| error.message.as_str());
            let error = error.or(item.cause.as_deref()).unwrap_or_default();
            let failed = item.failed + item.undelivered + item.missed + item.looping;
            table.add_row([
                screen.cell(text::harmless(&mapping.id), Tone::Plain),
                screen.cell(text::harmless(&item.subscribe.join(", ")), Tone::Plain),
                screen.cell(text::harmless(&item.publish), Tone::Plain),
                screen.cell(state, tone),
                screen.cell(item.received.to_string(), Tone::Plain),
                screen.cell(item.published.to_string(), Tone::Plain),
                screen.cell((item.held + item.retained).to_string(), Tone::Quiet),
                screen.cell(
                    failed.to_string(),
                    if failed > 0 {
                        Tone::Warning
                    } else {
                        Tone::Quiet
                    },
                ),
                screen.cell(text::harmless(error), Tone::Plain),
            ]);
        }
    }
    table
}
