//! Who may vouch for a name: authorities from a file, from a text, or those of this machine.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{CERTIFICATES_MAX, TlsError, provider};

/// Where Linux systems keep the authorities that they trust.
const SYSTEM_FILES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Those in a PEM file.
pub(super) fn of_file(path: &Path) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let failed = |reason: String| TlsError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| failed(format!("{error}; check that it exists and is a PEM file")))?;
    let certificates = certificates.map(|part| part.map_err(|error| error.to_string()));
    all_of(certificates).map_err(failed)
}

/// Those in a PEM text.
pub(super) fn of_text(pem: &str) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let certificates = certificates.map(|part| part.map_err(|error| error.to_string()));
    all_of(certificates).map_err(|reason| TlsError::Pem {
        what: "the authority",
        reason,
    })
}

/// Those that this machine trusts.
pub(super) fn of_system() -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let failed = |reason: String| TlsError::Pem {
        what: "this machine's list of authorities",
        reason,
    };
    let files = SYSTEM_FILES.map(Path::new);
    let file = files.into_iter().find(|file| file.is_file());
    let file = file.ok_or_else(|| failed("it has none".into()))?;
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    // Some lists hold what this library does not read; the others count.
    roots.add_parsable_certificates(certificates.filter_map(Result::ok).take(CERTIFICATES_MAX));
    verifier(roots).map_err(failed)
}

fn all_of(
    certificates: impl Iterator<Item = Result<CertificateDer<'static>, String>>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates.take(CERTIFICATES_MAX) {
        roots.add(certificate?).map_err(|error| error.to_string())?;
    }
    verifier(roots)
}

fn verifier(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, String> {
    if roots.is_empty() {
        return Err("it holds no certificate; give the CA's certificate as PEM".into());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| error.to_string())
}
