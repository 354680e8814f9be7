//! A certificate as it is shown to people.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::crypto::X509;
use sha2::{Digest, Sha256};

/// Characters in a line of PEM (RFC 7468, 2).
const PEM_LINE: usize = 64;

/// What was decided upon a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// Nothing yet.
    Waiting,
    /// Whoever shows it is believed.
    Trusted,
    /// It is not believed, and not to be shown as waiting again.
    Refused,
}

impl CertificateState {
    /// All of them: what waits for somebody stands first.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Trusted, Self::Refused];

    /// The stable word, and the folder's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Trusted => "trusted",
            Self::Refused => "refused",
        }
    }
}

/// A certificate on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateView {
    /// SHA-256 of the certificate in hexadecimal: its identity here.
    pub thumbprint: String,
    /// SHA-1 of the certificate, because this is what other OPC UA programs show.
    pub sha1: String,
    /// Its subject, as the certificate claims it; empty if it cannot be read.
    pub subject: String,
    /// What was decided.
    pub state: CertificateState,
}

impl CertificateView {
    /// Of the bytes of a certificate.
    #[must_use]
    pub fn new(bytes: &[u8], state: CertificateState) -> Self {
        let parsed = X509::from_der(bytes).ok();
        let parsed = parsed.as_ref();
        Self {
            thumbprint: thumbprint(bytes),
            sha1: parsed.map_or_else(String::new, |x| x.thumbprint().as_hex_string()),
            subject: parsed.map_or_else(String::new, X509::subject_name),
            state,
        }
    }
}

/// SHA-256 of a certificate, in hexadecimal.
#[must_use]
pub fn thumbprint(certificate: &[u8]) -> String {
    hex::encode(Sha256::digest(certificate))
}

/// A certificate as text (RFC 7468), for programs that take no DER.
#[must_use]
pub fn pem(certificate: &[u8]) -> String {
    let text = BASE64.encode(certificate);
    let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every cut is at a character's border.
        let (line, more) = rest.split_at(rest.len().min(PEM_LINE));
        lines.push_str(line);
        lines.push('\n');
        rest = more;
    }
    lines.push_str("-----END CERTIFICATE-----\n");
    lines
}
