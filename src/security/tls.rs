//! TLS between nodes and for everybody else. There is no switch that leaves verification out.

mod outward;
mod pin;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::identity::Identity;
pub use outward::{ServiceIdentity, ServiceTrust, service_client_config};
use pin::PinVerifier;
pub use pin::{Pin, PinError, PinMismatch, peer_pin};

/// Certificates that one CA file may hold.
const CA_FILE_CERTIFICATES_MAX: usize = 1000;

/// Why a remote is believed to be who it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It holds this key. Its certificate's dates and names do not matter.
    Pin(Pin),
    /// It holds one of these keys: two copies of a node that are declared as a pair.
    AnyPin(Vec<Pin>),
    /// A CA in this PEM file vouches for its name.
    CaFile(PathBuf),
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file cannot be used.
    #[error("cannot use the CA file {path}: {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate or key that the configuration gives cannot be used.
    #[error("{what} cannot be used: {reason}")]
    Pem {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate or key that this node is to show cannot be used.
    #[error("cannot use {path}: {reason}; give the certificate and its private key as PEM")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cryptography does not offer what is needed.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// The one source of cryptography, handed over explicitly and installed nowhere.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// How this node's listeners speak TLS: 1.2 and 1.3, HTTP/2 and 1.1, with the identity's current
/// certificate, also after it was renewed.
pub fn server_config(identity: &Identity) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(identity.certificates());
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

/// The same TLS as of this node's HTTPS listeners, for another protocol than HTTP.
pub fn foreign_server_config(
    identity: &Identity,
    protocols: &[&[u8]],
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::clone(&*server_config(identity)?);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// Who this node is to a device or service that asks for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The certificate and those that vouch for it, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
}

/// How this node dials a remote that it trusts for the given reason.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = anonymous(trust)?;
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

/// How this node dials a device or service that is no node: with the application protocols that it
/// speaks, and a certificate where there is one to show.
pub fn device_config(
    trust: &Trust,
    credentials: Option<&Credentials>,
    protocols: Vec<Vec<u8>>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = anonymous(trust)?;
    config.alpn_protocols = protocols;
    if let Some(credentials) = credentials {
        let key = credentials.load()?;
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(key));
    }
    Ok(Arc::new(config))
}

impl Credentials {
    fn load(&self) -> Result<CertifiedKey, TlsError> {
        let failed = |path: &PathBuf, reason: String| TlsError::Credentials {
            path: path.clone(),
            reason,
        };
        let of_certificate = |error: String| failed(&self.certificate, error);
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .map_err(|error| of_certificate(error.to_string()))?
            .take(CA_FILE_CERTIFICATES_MAX)
            .collect::<Result<_, _>>()
            .map_err(|error| of_certificate(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| failed(&self.key, error.to_string()))?;
        CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| failed(&self.key, error.to_string()))
    }
}

fn anonymous(trust: &Trust) -> Result<ClientConfig, TlsError> {
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Pin(pin) => Arc::new(PinVerifier::new(vec![*pin], &provider())),
        Trust::AnyPin(pins) => Arc::new(PinVerifier::new(pins.clone(), &provider())),
        Trust::CaFile(path) => verifier_for(path)?,
    };
    // Rustls names every verifier but its own dangerous; the pin's checks the key by signature.
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

fn verifier_for(path: &PathBuf) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let failed = |reason: String| TlsError::CaFile {
        path: path.clone(),
        reason,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| failed(format!("{error}; check that it exists and is a PEM file")))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates.take(CA_FILE_CERTIFICATES_MAX) {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed(
            "it holds no certificate; give the CA's certificate as PEM".into(),
        ));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| failed(error.to_string()))
}

/// The certificate that listeners show, exchangeable while they run.
pub(crate) struct Certificates {
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    pub(crate) fn new(current: CertifiedKey) -> Self {
        Self {
            current: RwLock::new(Arc::new(current)),
        }
    }

    pub(crate) fn replace(&self, next: CertifiedKey) {
        *self.current.write() = Arc::new(next);
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}
