//! TLS to services of others: an authority by its PEM or the machine's own list, or a pinned key;
//! and a certificate of this node's where the service asks for one.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::pin::PinVerifier;
use super::{CA_FILE_CERTIFICATES_MAX, Pin, TlsError, provider};

/// Where Linux systems keep the authorities that they trust.
const SYSTEM_FILES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Why a service is believed to be who it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTrust {
    /// It holds this key.
    Pin(Pin),
    /// An authority in this PEM text vouches for its name.
    Authorities(String),
    /// An authority that this machine trusts vouches for its name.
    System,
}

/// What this node shows to a service.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceIdentity {
    /// Its certificate with those between, as PEM.
    pub certificates: String,
    /// The private key, as PEM.
    pub key: mainstem_model::Secret,
}

/// How this node dials a service: TLS 1.2 and 1.3, always verified.
pub fn service_client_config(
    trust: &ServiceTrust,
    identity: Option<&ServiceIdentity>,
) -> Result<ClientConfig, TlsError> {
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        ServiceTrust::Pin(pin) => Arc::new(PinVerifier::new(vec![*pin], &provider())),
        ServiceTrust::Authorities(pem) => authorities(pem.as_bytes())?,
        ServiceTrust::System => system()?,
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certificates = CertificateDer::pem_slice_iter(identity.certificates.as_bytes())
                .take(CA_FILE_CERTIFICATES_MAX)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| wrong("the client certificate", error))?;
            let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
                .map_err(|error| wrong("the client's private key", error))?;
            builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| wrong("the client certificate and its key", error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn wrong(what: &'static str, error: impl std::fmt::Display) -> TlsError {
    TlsError::Pem {
        what,
        reason: error.to_string(),
    }
}

fn authorities(pem: &[u8]) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem).take(CA_FILE_CERTIFICATES_MAX) {
        let certificate = certificate.map_err(|error| wrong("the authority", error))?;
        roots
            .add(certificate)
            .map_err(|error| wrong("the authority", error))?;
    }
    verifier(roots)
}

fn system() -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let files = SYSTEM_FILES.map(Path::new);
    let file = files.into_iter().find(|file| file.is_file());
    let file = file.ok_or_else(|| wrong("this machine's list of authorities", "it has none"))?;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| wrong("this machine's list of authorities", error))?;
    // Some lists hold what this library does not read; the others count.
    roots.add_parsable_certificates(
        certificates
            .filter_map(Result::ok)
            .take(CA_FILE_CERTIFICATES_MAX),
    );
    verifier(roots)
}

fn verifier(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| wrong("the authority", error))
}
