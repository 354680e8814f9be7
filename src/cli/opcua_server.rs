//! `mainstem opcua-server`: the OPC UA server of the node, and who may come to it.

use std::time::Duration;

use clap::{Args, Subcommand};
use comfy_table::Table;
use hyper::Method;
use mainstem_wire::api::{CertificateDocument, OpcuaServerDocument, Page};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct OpcuaServerArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show how the server stands
    Show,
    /// The certificates of clients: list, trust, reject
    #[command(subcommand)]
    Certificates(Certificates),
}

#[derive(Debug, Subcommand)]
enum Certificates {
    /// Show all certificates, those that wait first
    List,
    /// Let the client with a certificate come in
    Trust(Named),
    /// Keep the client with a certificate out
    Reject(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The SHA-256 of the certificate, compared with what the client shows.
    thumbprint: String,
}

pub(super) async fn run(args: &OpcuaServerArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::Show => show(&client, screen).await,
        Action::Certificates(Certificates::List) => list(&client, screen).await,
        Action::Certificates(Certificates::Trust(named)) => {
            decide(&client, screen, named, "trust").await
        }
        Action::Certificates(Certificates::Reject(named)) => {
            decide(&client, screen, named, "reject").await
        }
    }
}

async fn show(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let server: OpcuaServerDocument = client.get("/api/v1/opcua-server").await?;
    if screen.is_json() {
        screen.document(&server)?;
        return Ok(Exit::Done);
    }
    if !server.running {
        screen.line("This node has no OPC UA server: `Server::Opcua` is not in its node file.")?;
        return Ok(Exit::Done);
    }
    for url in &server.urls {
        screen.line(text::harmless(url))?;
    }
    screen.line(format!(
        "certificate    {}",
        text::harmless(&server.thumbprint)
    ))?;
    for (what, count) in [
        ("connections", server.connections),
        ("sessions", server.sessions),
        ("subscriptions", server.subscriptions),
        ("items", server.items),
        ("refused", server.refused),
        ("waiting", server.waiting),
    ] {
        screen.line(format!("{what:<15}{count}"))?;
    }
    Ok(Exit::Done)
}

async fn list(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let at = "/api/v1/opcua-server/certificates";
    let page: Page<CertificateDocument> = client.get(at).await?;
    screen.list(&page, "No client with a certificate has come.", table)?;
    Ok(Exit::Done)
}

async fn decide(
    client: &Client,
    screen: Screen,
    named: &Named,
    word: &str,
) -> Result<Exit, Failure> {
    let at = format!(
        "/api/v1/opcua-server/certificates/{}/{word}",
        escaped(&named.thumbprint)
    );
    client
        .send(Method::POST, &at, None::<&()>, Duration::ZERO)
        .await?
        .done()?;
    if screen.is_json() {
        let state = if word == "trust" {
            "trusted"
        } else {
            "refused"
        };
        screen.document(&serde_json::json!({"thumbprint": named.thumbprint, "state": state}))?;
    } else if word == "trust" {
        screen.line("Trusted. The client comes in at its next try.")?;
    } else {
        screen.line("Refused. Sessions that are open stay until they end.")?;
    }
    Ok(Exit::Done)
}

pub(super) fn table(certificates: &[CertificateDocument], screen: Screen) -> Table {
    let mut table = screen.table(&["STATE", "SUBJECT", "SHA-256", "SHA-1"], &[]);
    for certificate in certificates {
        table.add_row([
            screen.cell(text::harmless(&certificate.state), tone(&certificate.state)),
            screen.cell(text::harmless(&certificate.subject), Tone::Plain),
            screen.cell(text::harmless(&certificate.thumbprint), Tone::Plain),
            screen.cell(text::harmless(&certificate.sha1), Tone::Quiet),
        ]);
    }
    table
}

fn tone(state: &str) -> Tone {
    match state {
        "trusted" => Tone::Good,
        "waiting" => Tone::Warning,
        _ => Tone::Quiet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_who_waits() {
        let waiting: CertificateDocument = serde_json::from_value(serde_json::json!({
            "thumbprint": "ab".repeat(32), "sha1": "cd".repeat(20), "subject": "CN=scada",
            "state": "waiting",
        }))
        .unwrap();
        let shown = table(&[waiting], Screen::plain()).to_string();
        assert!(
            shown.contains("waiting") && shown.contains("CN=scada"),
            "{shown}"
        );
    }
}
