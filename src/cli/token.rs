//! `mainstem token`: who may come in.

use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use comfy_table::Table;
use hyper::Method;
use mainstem_model::Timestamp;
use mainstem_model::quantity::parse_duration;
use mainstem_wire::api::{NewTokenDocument, Page, TokenDocument, TokenText};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

const TOKENS: &str = "/api/v1/tokens";

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token; its text is shown this once
    Create(CreateArgs),
    /// Show whose tokens there are
    List,
    /// End a token
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Whose it is: a person, a program or a node.
    name: String,
    /// What its holder may do: admin, viewer, concentrator or a role of the node file.
    #[arg(long, default_value = "viewer")]
    role: String,
    /// When it ends: a moment such as 2027-01-01T00:00:00Z, or after a time such as 90d or 12h.
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Timestamp>,
    /// The prefix below which its holder provides datapoints.
    #[arg(long, value_name = "PREFIX")]
    provide: Option<String>,
    /// From where its holder may come: `*`, an IP address or a network such as 10.0.0.0/8; more
    /// of them with commas between. Everywhere by default.
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
    from: Option<Vec<String>>,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The token's id, as `token list` shows it.
    id: String,
}

pub(super) async fn run(args: &TokenArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::Create(args) => create(args, &client, screen).await,
        Action::List => list(&client, screen).await,
        Action::Revoke(args) => {
            let path = format!("{TOKENS}/{}", escaped(&args.id));
            let answer = client
                .send(Method::DELETE, &path, None::<&()>, Duration::ZERO)
                .await?;
            answer.done()?;
            if screen.is_json() {
                screen.document(&serde_json::json!({"revoked": args.id}))?;
            } else {
                screen.line(format!("The token {} is no longer taken.", args.id))?;
            }
            Ok(Exit::Done)
        }
    }
}

async fn create(args: &CreateArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let new = NewTokenDocument {
        name: args.name.clone(),
        role: args.role.clone(),
        expires: args.expires,
        provide: args.provide.clone(),
        from: args.from.clone(),
    };
    let answer = client
        .send(Method::POST, TOKENS, Some(&new), Duration::ZERO)
        .await?;
    let made: TokenText = answer.document()?;
    if screen.is_json() {
        screen.document(&made)?;
        return Ok(Exit::Done);
    }
    let end = made.info.expires.map_or_else(
        || "never ends".to_owned(),
        |at| format!("ends on {}", text::moment(at)),
    );
    let who = text::harmless(&made.info.name);
    let role = text::harmless(&made.info.role);
    screen.line(format!(
        "Token of {who}, role {role}; it {end}. It is shown this once:"
    ))?;
    screen.line("")?;
    screen.line(format!(
        "  {}",
        screen.paint(Tone::Strong, text::harmless(&made.token))
    ))?;
    Ok(Exit::Done)
}

async fn list(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let page: Page<TokenDocument> = client.get(TOKENS).await?;
    if screen.is_json() {
        screen.document(&page)?;
    } else {
        screen.show(&table(&page.items, screen))?;
    }
    Ok(Exit::Done)
}

fn table(tokens: &[TokenDocument], screen: Screen) -> Table {
    let headings = [
        "ID",
        "NAME",
        "ROLE",
        "ENDS",
        "LAST USED",
        "ADDRESSES",
        "FROM",
    ];
    let mut table = screen.table(&headings, &[3, 4]);
    for token in tokens {
        let moment = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), text::moment);
        let addresses = match token.from.as_slice() {
            [] => "everywhere".to_owned(),
            list => list.join(", "),
        };
        table.add_row([
            screen.cell(text::harmless(&token.id), Tone::Plain),
            screen.cell(text::harmless(&token.name), Tone::Strong),
            screen.cell(text::harmless(&token.role), Tone::Plain),
            screen.cell(moment(token.expires), Tone::Plain),
            screen.cell(moment(token.last_used), Tone::Quiet),
            screen.cell(text::harmless(&addresses), Tone::Plain),
            screen.cell(text::harmless(&token.origin), Tone::Quiet),
        ]);
    }
    table
}

/// A moment, or a time from now on.
fn expiry(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    // The node file knows no days: nothing in it lasts so long.
    let (number, days) = match text.trim().strip_suffix('d') {
        Some(days) => (days.trim(), true),
        None => (text, false),
    };
    let span = if days {
        let days: u32 = number
            .parse()
            .map_err(|_| format!("{text:?} is no number of days"))?;
        Duration::from_secs(u64::from(days) * 86_400)
    } else {
        parse_duration(number).map_err(|_| {
            format!(
                "{text:?} is neither a moment such as 2027-01-01T00:00:00Z nor a time such as 90d"
            )
        })?
    };
    let end = SystemTime::now() + span;
    let since = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Timestamp::from_micros(
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_moments_or_spans() {
        let moment = "2027-01-01T00:00:00Z";
        assert_eq!(expiry(moment).unwrap(), moment.parse().unwrap());
        let hour = expiry("1h").unwrap().micros();
        let day = expiry("1d").unwrap().micros();
        let apart = day - hour - 23 * 3_600_000_000;
        assert!((0..60_000_000).contains(&apart), "{apart}");
        for bad in ["soon", "d", "-1d", ""] {
            assert!(expiry(bad).is_err(), "{bad}");
        }
    }
}
