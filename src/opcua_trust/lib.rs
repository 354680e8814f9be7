//! Which certificates of OPC UA applications are trusted: one way of it for the servers that this
//! node connects to and for the clients that come to its own server. What nobody has decided upon
//! waits; thumbprints are compared by people; to trust is to move a file.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod decided;
mod error;
mod files;
mod view;

pub use decided::{CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX, Certificates};
pub use error::CertificateError;
pub use view::{CertificateState, CertificateView, pem, thumbprint};

#[cfg(test)]
mod tests;
