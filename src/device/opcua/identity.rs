//! The server's key and certificate in its PKI folder.

use std::path::{Path, PathBuf};

use opcua::crypto::{CertificateStore, X509Data};
use tokio_util::task::TaskTracker;

use super::{APPLICATION_NAME, APPLICATION_URI, OpcuaError};

/// Certificate inside the PKI folder.
pub(super) const CERTIFICATE: &str = "own/cert.der";
/// Private key inside the PKI folder.
pub(super) const PRIVATE_KEY: &str = "private/private.pem";
/// Bits of the RSA key: the fewest that the policy allows, since a bigger one takes much longer.
const KEY_BITS: u32 = 2048;
/// Days the certificate is valid.
const VALID_DAYS: u32 = 365;

/// Makes key and certificate unless they are there. Searching primes blocks, so it happens on a
/// thread for such work.
pub(super) async fn ensure(tracker: &TaskTracker, folder: &Path) -> Result<(), OpcuaError> {
    let owned = folder.to_owned();
    let made = tracker.spawn_blocking(move || make_missing(&owned)).await;
    let reason = match made {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(reason)) => reason,
        Err(panicked) => panicked.to_string(),
    };
    Err(OpcuaError::Identity {
        folder: PathBuf::from(folder),
        reason,
    })
}

fn make_missing(folder: &Path) -> Result<(), String> {
    let store = CertificateStore::new(folder);
    store.ensure_pki_path()?;
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(PRIVATE_KEY));
    if certificate.exists() && key.exists() {
        return Ok(());
    }
    let names = X509Data::alt_host_names(APPLICATION_URI, None, true, false, true);
    let data = X509Data {
        key_size: KEY_BITS,
        common_name: APPLICATION_NAME.to_owned(),
        organization: "mainstem".to_owned(),
        organizational_unit: "demo".to_owned(),
        country: "XX".to_owned(),
        state: "none".to_owned(),
        alt_host_names: names,
        certificate_duration_days: VALID_DAYS,
    };
    CertificateStore::create_certificate_and_key(&data, true, &certificate, &key).map(|_| ())
}
