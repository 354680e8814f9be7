//! Why a list of certificates cannot be read or changed.

use std::io;
use std::path::PathBuf;

/// Why the list cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// What was given is no SHA-256.
    #[error("{0:?} is no thumbprint: expected the 64 hexadecimal digits of a SHA-256")]
    NoThumbprint(String),
    /// There is no such certificate.
    #[error("nobody came with the certificate {0}; `list` shows which are known")]
    Unknown(String),
    /// The disk.
    #[error("cannot use {}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
