//! Our own application certificate, and the certificate store of one session.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opcua::crypto::{CertificateStore, X509, X509Data};
use opcua::sync::RwLock;
use opcua::types::ApplicationDescription;

use mainstem_opcua_trust::{CertificateError, thumbprint};

use crate::certificates::{disk, make_folder, pki};

/// Size of our RSA key.
const KEY_BITS: u32 = 2048;
/// Ten years: whoever trusts it, trusts this very certificate, and renewing it means asking
/// somebody at every server.
const VALID_DAYS: u32 = 3650;

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A folder or file.
    #[error(transparent)]
    Files(#[from] CertificateError),
    /// The stack could not make it.
    #[error("cannot make a certificate in {}: {reason}", folder.display())]
    Make {
        /// Where.
        folder: PathBuf,
        /// Why, as the stack says it.
        reason: String,
    },
    /// A certificate for another name.
    #[error(
        "{} was made for another application URI than {uri}, so servers would refuse it; remove it \
         and a new one is made",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Ours.
        uri: String,
    },
    /// A half-written or foreign file.
    #[error("cannot read {}: {reason}; remove it and a new one is made", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, as the stack says it.
        reason: String,
    },
}

/// Our own certificate on disk.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    /// The certificate itself.
    pub der: Vec<u8>,
    /// Its file, which the other side has to trust.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Our application URI, which stands in it too.
    pub application_uri: String,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// SHA-1 of the certificate, as most servers list it.
    pub sha1: String,
}

/// The application URI of an adapter, which stands in its certificate too.
pub(crate) fn application_uri(adapter: &str) -> String {
    format!("urn:mainstem:{adapter}")
}

/// Reads our certificate, and makes it if there is none. Blocks for as long as it takes to find
/// two large primes.
pub fn ensure(folder: &Path, adapter: &str) -> Result<OwnCertificate, IdentityError> {
    let pki = pki(folder);
    let (own, private) = (pki.join("own"), pki.join("private"));
    let (certificate, key) = (own.join("cert.der"), private.join("key.pem"));
    make_folder(&own)?;
    make_folder(&private)?;
    protect(&private, 0o700)?;
    // The key is written first, so a certificate on disk means that both are there.
    if !certificate.exists() || !key.exists() {
        make(adapter, &certificate, &key).map_err(|reason| IdentityError::Make {
            folder: pki,
            reason,
        })?;
        protect(&key, 0o600)?;
    }
    let unreadable = |reason: String| IdentityError::Unreadable {
        path: certificate.clone(),
        reason,
    };
    let parsed = CertificateStore::read_cert(&certificate).map_err(unreadable)?;
    let bytes = parsed
        .to_der()
        .map_err(|_| unreadable("it cannot be encoded".into()))?;
    CertificateStore::read_pkey(&key).map_err(|reason| IdentityError::Unreadable {
        path: key.clone(),
        reason,
    })?;
    // Part 4, 5.5.2: servers compare the two.
    let uri = application_uri(adapter);
    if parsed.is_application_uri_valid(&uri).is_err() {
        let path = certificate;
        return Err(IdentityError::Foreign { path, uri });
    }
    let (sha256, sha1) = (thumbprint(&bytes), parsed.thumbprint().as_hex_string());
    Ok(OwnCertificate {
        der: bytes,
        application_uri: uri,
        certificate,
        key,
        sha256,
        sha1,
    })
}

// Both files appear under their names when they are whole.
fn make(adapter: &str, certificate: &Path, key: &Path) -> Result<(), String> {
    let application = ApplicationDescription {
        application_uri: application_uri(adapter).into(),
        application_name: format!("mainstem {adapter}").into(),
        ..Default::default()
    };
    let data = X509Data {
        key_size: KEY_BITS,
        common_name: format!("mainstem {adapter}"),
        organization: "mainstem".into(),
        organizational_unit: String::new(),
        country: String::new(),
        state: String::new(),
        certificate_duration_days: VALID_DAYS,
        // The application URI and the names of this machine.
        ..X509Data::from(application)
    };
    let (new_certificate, new_key) = (with_suffix(certificate), with_suffix(key));
    CertificateStore::create_certificate_and_key(&data, true, &new_certificate, &new_key)?;
    fs::rename(&new_key, key).map_err(|error| error.to_string())?;
    fs::rename(&new_certificate, certificate).map_err(|error| error.to_string())
}

fn with_suffix(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

fn protect(path: &Path, mode: u32) -> Result<(), CertificateError> {
    disk(
        path,
        fs::set_permissions(path, fs::Permissions::from_mode(mode)),
    )
}

/// The stack's own store for a session. It knows exactly one server certificate: the one that was
/// found in our list of trusted ones just before. So the stack can trust nothing that we do not.
pub(crate) fn session_store(
    folder: &Path,
    identity: Option<&OwnCertificate>,
    server: Option<&X509>,
) -> Result<Arc<RwLock<CertificateStore>>, CertificateError> {
    let root = pki(folder).join("session");
    let Some((identity, server)) = identity.zip(server) else {
        return Ok(Arc::new(RwLock::new(CertificateStore::new(&root))));
    };
    if root.exists() {
        disk(&root, fs::remove_dir_all(&root))?;
    }
    // With both paths absolute the store's own root does not matter for them.
    let (mut store, ..) = CertificateStore::new_with_x509_data(
        &root,
        false,
        Some(&absolute(&identity.certificate)),
        Some(&absolute(&identity.key)),
        None::<X509Data>,
    );
    make_folder(&store.trusted_certs_dir())?;
    make_folder(&store.rejected_certs_dir())?;
    // The certificate is pinned by its hash. Names and dates in it would add nothing, and would
    // stop a plant because a certificate expired.
    store.set_skip_verify_certs(true);
    let path = store
        .trusted_certs_dir()
        .join(CertificateStore::cert_file_name(server));
    disk(&path, fs::write(&path, server.as_byte_string().as_ref()))?;
    Ok(Arc::new(RwLock::new(store)))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
