//! `mainstem adapters certificates`: the certificates of OPC UA servers and our own for them, on
//! the node's own machine. The list is kept as that of the OPC UA server's clients is.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mainstem_adapter_opcua::{OwnCertificate, own_certificate, server_certificates};
use mainstem_opcua_trust::{CertificateError, CertificateState, CertificateView, pem};
use mainstem_wire::api::{CertificateDocument, Page};
use serde_json::json;

use crate::cli::connection::ConnectionArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::opcua_server::table;
use crate::cli::screen::Screen;
use crate::cli::text::harmless;

#[derive(Debug, Subcommand)]
pub(super) enum Certificates {
    /// Show the certificates of servers, those that wait first
    List(Adapter),
    /// Believe the server with a certificate
    Trust(Named),
    /// Do not believe the server with a certificate, even if it was trusted before
    Reject(Named),
    /// Export our own certificate for the server, or one of a server
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Adapter {
    /// The adapter.
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The adapter.
    name: String,
    /// The SHA-256 of the certificate, compared with what the server itself shows.
    thumbprint: String,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The adapter.
    name: String,
    /// The SHA-256 of a server's certificate; our own if absent.
    thumbprint: Option<String>,
    /// The file to write: text if it ends in .pem, else DER. Without it the text is shown.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn run(
    action: &Certificates,
    connection: &ConnectionArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    match action {
        Certificates::List(adapter) => list(&folder(&adapter.name, connection)?, screen),
        Certificates::Trust(named) => {
            decide(named, connection, screen, CertificateState::Trusted)?;
            if !screen.is_json() {
                screen.line("Trusted. The adapter connects at its next try.")?;
            }
            Ok(Exit::Done)
        }
        Certificates::Reject(named) => {
            decide(named, connection, screen, CertificateState::Refused)?;
            if !screen.is_json() {
                screen.line("Rejected. A session that is open stays until it ends.")?;
            }
            Ok(Exit::Done)
        }
        Certificates::Export(export) => self::export(export, connection, screen),
    }
}

fn list(folder: &Path, screen: Screen) -> Result<Exit, Failure> {
    let met = server_certificates(folder).list();
    let items = met.map_err(|error| failed(&error))?;
    let page = Page {
        items: items.into_iter().map(document).collect(),
        next: None,
    };
    let nothing = "This adapter has met no certificate that somebody has to trust.";
    screen.list(&page, nothing, table)?;
    Ok(Exit::Done)
}

fn document(view: CertificateView) -> CertificateDocument {
    CertificateDocument {
        thumbprint: view.thumbprint,
        sha1: view.sha1,
        subject: view.subject,
        state: view.state.as_str().to_owned(),
    }
}

fn decide(
    named: &Named,
    connection: &ConnectionArgs,
    screen: Screen,
    state: CertificateState,
) -> Result<(), Failure> {
    let folder = folder(&named.name, connection)?;
    let decided = server_certificates(&folder).decide(&named.thumbprint, state);
    decided.map_err(|error| failed(&error))?;
    if screen.is_json() {
        let shown = json!({"thumbprint": named.thumbprint, "state": state.as_str()});
        screen.document(&shown)?;
    }
    Ok(())
}

fn export(export: &Export, connection: &ConnectionArgs, screen: Screen) -> Result<Exit, Failure> {
    let folder = folder(&export.name, connection)?;
    let own = match &export.thumbprint {
        None => Some(
            own_certificate(&folder, &export.name)
                .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?,
        ),
        Some(_) => None,
    };
    let bytes = match (&own, &export.thumbprint) {
        (Some(own), _) => own.der.clone(),
        (None, thumbprint) => server_certificates(&folder)
            .export(thumbprint.as_deref().unwrap_or_default())
            .map_err(|error| failed(&error))?,
    };
    if let Some(path) = &export.out {
        let text = path.extension().is_some_and(|extension| extension == "pem");
        let content = match text {
            true => pem(&bytes).into_bytes(),
            false => bytes.clone(),
        };
        std::fs::write(path, content).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new(Exit::Failure, message)
        })?;
    }
    show(export.out.as_deref(), &bytes, own.as_ref(), screen)?;
    Ok(Exit::Done)
}

fn show(
    out: Option<&Path>,
    bytes: &[u8],
    own: Option<&OwnCertificate>,
    screen: Screen,
) -> Result<(), Failure> {
    let view = CertificateView::new(bytes, CertificateState::Trusted);
    let uri = own.map(|own| own.application_uri.as_str());
    if screen.is_json() {
        screen.document(&json!({
            "thumbprint": view.thumbprint,
            "sha1": view.sha1,
            "subject": view.subject,
            "application_uri": uri,
            "pem": pem(bytes),
        }))?;
        return Ok(());
    }
    let Some(path) = out else {
        for line in pem(bytes).lines() {
            screen.line(line)?;
        }
        return Ok(());
    };
    screen.line(format!("{}  {}", path.display(), harmless(&view.subject)))?;
    if let Some(uri) = uri {
        screen.line(format!("  application URI  {}", harmless(uri)))?;
    }
    screen.line(format!("  SHA-256          {}", view.thumbprint))?;
    screen.line(format!("  SHA-1            {}", view.sha1))?;
    Ok(())
}

/// The adapter's folder, from the node file.
fn folder(name: &str, connection: &ConnectionArgs) -> Result<PathBuf, Failure> {
    let file = connection.node_file()?;
    let config = mainstem_config::load(&file, crate::app::kinds())
        .map_err(|problems| unusable(&file, problems.problems.len() + problems.left_out))?;
    let adapter = config
        .adapters
        .into_iter()
        .find(|adapter| adapter.name.as_str() == name);
    let Some(adapter) = adapter else {
        let message = format!("{} has no adapter {name}", file.display());
        return Err(Failure::new(Exit::NotFound, message)
            .action("`mainstem adapters list` shows which there are"));
    };
    if adapter.kind.name != "opcua" {
        let message = format!("{name} is {}, which has no certificates", adapter.kind.name);
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(adapter.spec.folder)
}

fn unusable(file: &Path, count: usize) -> Failure {
    let noun = if count == 1 { "problem" } else { "problems" };
    Failure::new(
        Exit::Configuration,
        format!("{} has {count} {noun}", file.display()),
    )
    .action(format!("see `mainstem check -c {}`", file.display()))
}

fn failed(error: &CertificateError) -> Failure {
    let exit = match error {
        CertificateError::NoThumbprint(_) => Exit::Usage,
        CertificateError::Unknown(_) => Exit::NotFound,
        CertificateError::Disk { .. } => Exit::Failure,
    };
    Failure::new(exit, error.to_string())
        .action("`mainstem adapters certificates list` shows which there are")
}
