//! What has to be known about certificates.

use opcua::crypto::{SecurityPolicy, X509};

/// Whether a certificate can be used with a policy; if not, why.
pub(crate) fn check(certificate: &[u8], policy: SecurityPolicy) -> Result<X509, String> {
    let parsed = X509::from_der(certificate)
        .map_err(|_| "it is no single X.509 certificate (chains are not supported)".to_owned())?;
    let bits = parsed
        .key_length()
        .map_err(|_| "it has no RSA key".to_owned())?;
    if !policy.is_valid_keylength(bits) {
        return Err(format!(
            "its key has {bits} bits, {policy} asks for 2048 to 4096"
        ));
    }
    Ok(parsed)
}
