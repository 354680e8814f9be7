//! What this node shows to a device or service that asks for a certificate.

use std::path::{Path, PathBuf};

use mainstem_model::Secret;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{CERTIFICATES_MAX, TlsError, provider};

/// A certificate, those that vouch for it, and its private key, all as PEM.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// In files.
    Files {
        /// The certificates.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// As texts.
    Texts {
        /// The certificates.
        certificate: String,
        /// The key.
        key: Secret,
    },
}

impl Credentials {
    pub(super) fn load(&self) -> Result<CertifiedKey, TlsError> {
        match self {
            Self::Files { certificate, key } => of_files(certificate, key),
            Self::Texts { certificate, key } => of_texts(certificate, key),
        }
    }
}

fn of_files(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let failed = |path: &Path, reason: String| TlsError::Credentials {
        path: path.to_owned(),
        reason,
    };
    let of_certificate = |error: String| failed(certificate, error);
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| of_certificate(error.to_string()))?
        .take(CERTIFICATES_MAX)
        .collect::<Result<_, _>>()
        .map_err(|error| of_certificate(error.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error.to_string()))?;
    CertifiedKey::from_der(chain, private, &provider())
        .map_err(|error| failed(key, error.to_string()))
}

fn of_texts(certificate: &str, key: &Secret) -> Result<CertifiedKey, TlsError> {
    let wrong = |what: &'static str, reason: String| TlsError::Pem { what, reason };
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .take(CERTIFICATES_MAX)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong("the client certificate", error.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|error| wrong("the client's private key", error.to_string()))?;
    CertifiedKey::from_der(chain, private, &provider())
        .map_err(|error| wrong("the client certificate and its key", error.to_string()))
}
