//! `mainstem support`: who serves this node from above may reach its API for a time.

use std::time::Duration;

use clap::{Args, Subcommand};
use hyper::Method;
use mainstem_wire::api::{NewSupportDocument, SupportDocument};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

const SUPPORT: &str = "/api/v1/support";

#[derive(Debug, Args)]
pub(super) struct SupportArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Open this node for a time, or change the time
    Open(OpenArgs),
    /// Close it at once
    Close,
    /// Show whether it is open, and until when
    Show,
}

#[derive(Debug, Args)]
struct OpenArgs {
    /// For how long: 1s to 24h, such as 2h.
    #[arg(long = "for", value_name = "TIME")]
    duration: String,
}

pub(super) async fn run(args: &SupportArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    let state: SupportDocument = match &args.action {
        Action::Show => client.get(SUPPORT).await?,
        Action::Open(OpenArgs { duration }) => {
            let asked = NewSupportDocument {
                duration: duration.clone(),
            };
            let answer = client.send(Method::POST, SUPPORT, Some(&asked), Duration::ZERO);
            answer.await?.document()?
        }
        Action::Close => {
            let answer = client.send(Method::DELETE, SUPPORT, None::<&()>, Duration::ZERO);
            answer.await?.document()?
        }
    };
    if screen.is_json() {
        screen.document(&state)?;
    } else {
        let tone = if state.open {
            Tone::Warning
        } else {
            Tone::Good
        };
        screen.line(screen.paint(tone, sentence(&state)))?;
    }
    Ok(Exit::Done)
}

fn sentence(state: &SupportDocument) -> String {
    let role = text::harmless(state.role.as_deref().unwrap_or_default());
    match (state.open, state.until) {
        (true, Some(until)) => format!(
            "Open for remote support as role {role} until {}, by {}.",
            text::moment(until),
            text::harmless(state.opened_by.as_deref().unwrap_or_default())
        ),
        _ if state.role.is_none() => {
            "Closed for remote support; the node file has no section `support:`.".to_owned()
        }
        _ => format!("Closed for remote support, which would act as role {role}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_until_when_and_by_whom() {
        let open: SupportDocument = serde_json::from_value(serde_json::json!({
            "open": true, "role": "service", "until": "2026-11-20T08:00:00Z", "opened_by": "anna",
        }))
        .unwrap();
        let expected =
            "Open for remote support as role service until 2026-11-20 08:00:00.000 UTC, by anna.";
        assert_eq!(sentence(&open), expected);
    }
}
