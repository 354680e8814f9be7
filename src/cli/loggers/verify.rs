//! `mainstem loggers verify`: proves that replicated series are complete, or names the hours that
//! are not, and heals them.

use std::time::Duration;

use clap::Args;
use hyper::Method;
use mainstem_model::Timestamp;
use mainstem_wire::api::Page;
use mainstem_wire::api::history::{VerifyDocument, VerifyRequest};

use super::bar::Bar;
use super::path;
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// How long one series may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The series; all replicated ones unless given.
    ids: Vec<String>,
    /// Not before this moment, such as 2026-11-20T08:00:00Z.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Before this moment; the hour that is open is left out unless given.
    #[arg(long)]
    to: Option<Timestamp>,
    /// Fetch what is missing.
    #[arg(long)]
    heal: bool,
}

pub(super) async fn run(
    client: &Client,
    args: &VerifyArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    let mut ids = args.ids.clone();
    if ids.is_empty() {
        let series = super::all(client).await?;
        ids.extend(series.into_iter().map(|series| series.id));
    }
    let request = VerifyRequest {
        from: args.from,
        to: args.to,
        heal: args.heal,
    };
    let bar = Bar::new(screen, true);
    let mut items: Vec<VerifyDocument> = Vec::new();
    for (place, id) in ids.iter().enumerate() {
        bar.show(place as u64, ids.len() as u64, &text::harmless(id))?;
        let at = format!("{}/verify", path(id));
        let answer = client
            .send(Method::POST, &at, Some(&request), PATIENCE)
            .await?;
        items.push(answer.document()?);
    }
    bar.end()?;
    if args.ids.is_empty() {
        items.retain(|item| item.state != "own");
    }
    let is_whole = |item: &VerifyDocument| ["equal", "healed", "own"].contains(&&*item.state);
    let exit = match items.iter().all(is_whole) {
        true => Exit::Done,
        false => Exit::Unwell,
    };
    if screen.is_json() {
        screen.document(&Page::whole(items))?;
    } else {
        show(&items, screen)?;
    }
    Ok(exit)
}

fn show(items: &[VerifyDocument], screen: Screen) -> Result<(), Failure> {
    if items.is_empty() {
        screen.line("There is no replicated series.")?;
        return Ok(());
    }
    let mut table = screen.table(&["ID", "STATE", "HOURS", "ROWS", "REMOTE", "DETAIL"], &[5]);
    for item in items {
        let tone = match item.state.as_str() {
            "equal" | "healed" => Tone::Good,
            "own" => Tone::Quiet,
            _ => Tone::Warning,
        };
        let remote = item.remote.as_deref().unwrap_or("–");
        let detail = item.detail.as_deref().unwrap_or("");
        table.add_row([
            screen.cell(text::harmless(&item.id), Tone::Plain),
            screen.cell(text::harmless(&item.state), tone),
            screen.cell(item.hours, Tone::Plain),
            screen.cell(item.rows, Tone::Plain),
            screen.cell(text::harmless(remote), Tone::Quiet),
            screen.cell(text::harmless(detail), Tone::Quiet),
        ]);
    }
    screen.show(&table)?;
    for item in items {
        for hour in &item.differing {
            let (missing, healed) = (hour.missing, hour.healed);
            let (too_many, different) = (hour.too_many, hour.different);
            screen.line(format!(
                "{} {}: {missing} rows missing ({healed} fetched), {too_many} too many, \
                 {different} different",
                text::harmless(&item.id),
                hour.start
            ))?;
        }
        if item.more {
            screen.line(format!("{}: more hours differ", text::harmless(&item.id)))?;
        }
    }
    Ok(())
}
