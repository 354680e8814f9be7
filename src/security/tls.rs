//! TLS between nodes and for everybody else. There is no switch that leaves verification out.

mod authorities;
mod credentials;
mod pin;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig};

use crate::identity::Identity;
pub use credentials::Credentials;
use pin::PinVerifier;
pub use pin::{Pin, PinError, PinMismatch, peer_pin};

/// Certificates that one file or text may hold.
const CERTIFICATES_MAX: usize = 1000;

/// Why another end is believed to be who it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It holds this key. Its certificate's dates and names do not matter.
    Pin(Pin),
    /// It holds one of these keys: two copies of a node that are declared as a pair.
    AnyPin(Vec<Pin>),
    /// A CA in this PEM file vouches for its name.
    CaFile(PathBuf),
    /// A CA in this PEM text does.
    Ca(String),
    /// A CA that this machine trusts does.
    System,
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

fn anonymous(trust: &Trust) -> Result<ClientConfig, TlsError> {
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Pin(pin) => Arc::new(PinVerifier::new(vec![*pin], &provider())),
        Trust::AnyPin(pins) => Arc::new(PinVerifier::new(pins.clone(), &provider())),
        Trust::CaFile(path) => authorities::of_file(path)?,
        Trust::Ca(pem) => authorities::of_text(pem)?,
        Trust::System => authorities::of_system()?,
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
