//! The server's key and certificate.

use std::path::Path;

use opcua::crypto::{CertificateStore, X509Data};

use crate::OpcuaServerError;

/// Certificate inside the folder.
pub(crate) const CERTIFICATE: &str = "own/cert.der";
/// Private key inside the folder.
pub(crate) const PRIVATE_KEY: &str = "private/private.pem";
/// Bits of the RSA key: the fewest that every policy takes, since clients in controllers are slow.
const KEY_BITS: u32 = 2048;
/// Days for which the certificate is valid. Clients trust this very certificate, so a new one is a
/// visit to each of them.
const VALID_DAYS: u32 = 20 * 365;
const APPLICATION_NAME: &str = "mainstem";

/// Makes key and certificate unless they are there. Searching primes takes seconds.
pub(crate) async fn ensure(
    folder: &Path,
    uri: &str,
    names: Vec<String>,
) -> Result<(), OpcuaServerError> {
    let (owned, uri) = (folder.to_owned(), uri.to_owned());
    let made = tokio::task::spawn_blocking(move || make_missing(&owned, &uri, names)).await;
    let reason = match made {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(reason)) => reason,
        Err(panicked) => panicked.to_string(),
    };
    Err(OpcuaServerError::Identity {
        folder: folder.to_owned(),
        reason,
    })
}

fn make_missing(folder: &Path, uri: &str, names: Vec<String>) -> Result<(), String> {
    CertificateStore::new(folder).ensure_pki_path()?;
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(PRIVATE_KEY));
    if certificate.exists() && key.exists() {
        return Ok(());
    }
    let data = X509Data {
        key_size: KEY_BITS,
        common_name: APPLICATION_NAME.to_owned(),
        organization: "mainstem".to_owned(),
        organizational_unit: "node".to_owned(),
        country: "XX".to_owned(),
        state: "none".to_owned(),
        alt_host_names: X509Data::alt_host_names(uri, Some(names), true, false, true),
        certificate_duration_days: VALID_DAYS,
    };
    CertificateStore::create_certificate_and_key(&data, true, &certificate, &key)?;
    restrict(&key)
}

/// The key is for the node's own user.
fn restrict(key: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(key, private).map_err(|error| error.to_string())?;
    }
    Ok(())
}
