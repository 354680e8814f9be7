//! What has to be known about certificates.

use opcua::crypto::{SecurityPolicy, X509};

/// The subject and the SHA-1 of a certificate; empty if it is none.
pub(crate) fn describe(certificate: &[u8]) -> (String, String) {
    match X509::from_der(certificate) {
        Ok(parsed) => (parsed.subject_name(), parsed.thumbprint().as_hex_string()),
        Err(_) => (String::new(), String::new()),
    }
}

/// Whether a certificate can be used with Basic256Sha256; if not, why.
pub(crate) fn check(certificate: &[u8]) -> Result<X509, String> {
    let parsed = X509::from_der(certificate)
        .map_err(|_| "it is no single X.509 certificate (chains are not supported)".to_owned())?;
    let bits = parsed
        .key_length()
        .map_err(|_| "it has no RSA key".to_owned())?;
    if !SecurityPolicy::Basic256Sha256.is_valid_keylength(bits) {
        return Err(format!(
            "its key has {bits} bits, Basic256Sha256 asks for 2048 to 4096"
        ));
    }
    Ok(parsed)
}
