//! `mainstem adapters trust`: the certificates of OPC UA servers, on the node's own machine.

use std::path::{Path, PathBuf};

use clap::Args;
use mainstem_adapter_opcua::{
    CertificateError, ServerCertificate, list_certificates, trust_certificate,
};
use serde_json::json;

use crate::cli::connection::ConnectionArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text::harmless;

#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    /// The adapter.
    name: String,
    /// The SHA-256 of the certificate to trust, compared with what the server itself shows.
    thumbprint: Option<String>,
}

pub(super) fn run(
    args: &TrustArgs,
    connection: &ConnectionArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    let folder = folder(&args.name, connection)?;
    if let Some(thumbprint) = &args.thumbprint {
        trust_certificate(&folder, thumbprint).map_err(|error| failed(&error))?;
        if screen.is_json() {
            screen.document(&json!({"trusted": thumbprint}))?;
        } else {
            screen.line("Trusted. The adapter connects at its next try.")?;
        }
        return Ok(Exit::Done);
    }
    let met = list_certificates(&folder).map_err(|error| failed(&error))?;
    if screen.is_json() {
        let items: Vec<_> = met.iter().map(document).collect();
        screen.document(&json!({"items": items, "next": null}))?;
    } else if met.is_empty() {
        screen.line("This adapter has met no certificate that somebody has to trust.")?;
    }
    for certificate in met.iter().filter(|_| !screen.is_json()) {
        let state = if certificate.trusted {
            screen.paint(Tone::Good, "trusted")
        } else {
            screen.paint(Tone::Warning, "waits")
        };
        screen.line(format!("{state}  {}", harmless(&certificate.subject)))?;
        screen.line(format!("  SHA-256  {}", certificate.thumbprint))?;
        screen.line(format!("  SHA-1    {}", certificate.sha1))?;
    }
    Ok(Exit::Done)
}

fn document(certificate: &ServerCertificate) -> serde_json::Value {
    json!({
        "thumbprint": certificate.thumbprint,
        "sha1": certificate.sha1,
        "subject": certificate.subject,
        "trusted": certificate.trusted,
    })
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
        CertificateError::Unknown { .. } => Exit::NotFound,
        CertificateError::Changed { .. } => Exit::Refused,
        CertificateError::Disk { .. } => Exit::Failure,
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    Failure::new(exit, format!("{error}{}", cause.unwrap_or_default()))
        .action("`mainstem adapters trust` with the adapter alone shows what waits")
}
