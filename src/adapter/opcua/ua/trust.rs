//! Whether a server is the one that somebody trusts. Decided here and nowhere else.

use std::path::Path;

use mainstem_adapter::SessionEnd;
use mainstem_opcua_trust::{
    CERTIFICATE_BYTES_MAX, CertificateError, CertificateState, CertificateView, thumbprint,
};
use opcua::crypto::X509;
use opcua::types::EndpointDescription;

use super::endpoints::policy_of;
use super::open::refused;
use super::x509;
use crate::certificates::{last_seen, remember, server_certificates};
use crate::connection::ConnectionPlan;

/// The certificate of a server, if somebody trusts it; else it waits.
pub(super) fn check_server(
    plan: &ConnectionPlan,
    folder: &Path,
    endpoint: &EndpointDescription,
) -> Result<Option<X509>, SessionEnd> {
    if plan.is_open() {
        return Ok(None);
    }
    let bytes = endpoint.server_certificate.as_ref();
    let unusable = |reason: String| {
        let message = format!(
            "we cannot use the certificate of the server at {}: {reason}; it needs another one",
            plan.url
        );
        refused("certificate_unusable", message)
    };
    if bytes.len() >= CERTIFICATE_BYTES_MAX {
        return Err(unusable(format!("it has {} bytes", bytes.len())));
    }
    let parsed = x509::check(bytes, policy_of(endpoint)).map_err(unusable)?;
    let state = server_certificates(folder).meet(bytes);
    let state = state.map_err(|error| disk(&error))?;
    if state == CertificateState::Trusted {
        remember(folder, &plan.url, &thumbprint(bytes)).map_err(|error| disk(&error))?;
        return Ok(Some(parsed));
    }
    let shown = CertificateView::new(bytes, state);
    let former = last_seen(folder, &plan.url);
    let (code, message) = words(plan, &shown, former.as_deref());
    Err(refused(code, message))
}

fn words(
    plan: &ConnectionPlan,
    shown: &CertificateView,
    former: Option<&str>,
) -> (&'static str, String) {
    let (url, adapter, new) = (&plan.url, &plan.adapter, &shown.thumbprint);
    let trust = format!("mainstem adapters certificates trust {adapter} {new}");
    let what = format!("{}, SHA-256 {new}, SHA-1 {}", shown.subject, shown.sha1);
    if shown.state == CertificateState::Refused {
        let message = format!(
            "the server at {url} shows a certificate that somebody rejected: {what}; if that was \
             wrong: {trust}"
        );
        return ("certificate_rejected", message);
    }
    match former.filter(|former| former != new) {
        Some(former) => {
            let message = format!(
                "the server at {url} has changed its certificate, or another one answers in its \
                 place: until now SHA-256 {former}, now {what}; ask who changed it and compare it \
                 at the server, then: {trust} (and, when the old one is gone for good: mainstem \
                 adapters certificates reject {adapter} {former})"
            );
            ("certificate_changed", message)
        }
        None => {
            let message = format!(
                "we do not trust the certificate of the server at {url} yet: {what}; compare it \
                 at the server, then: {trust}"
            );
            ("certificate_untrusted", message)
        }
    }
}

/// A file that could not be used.
pub(super) fn disk(error: &CertificateError) -> SessionEnd {
    SessionEnd::lost("certificate_files", error.to_string())
}
