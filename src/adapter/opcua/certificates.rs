//! The list of server certificates of one adapter: files below `pki/`, named by their SHA-256.
//! What nobody has trusted yet waits in `rejected/`; to trust is to move the file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::ua::x509;

/// Certificates that wait for a decision; the oldest makes room, so that a server with a new
/// certificate at each connect cannot fill the disk.
const WAITING_MAX: usize = 32;
/// Bytes of a certificate that is kept.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// A server's certificate that this adapter has met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// SHA-256 of the certificate, in hexadecimal: its identity here.
    pub thumbprint: String,
    /// SHA-1 of the certificate, because this is what servers and their tools show.
    pub sha1: String,
    /// Its subject, as the certificate claims it; empty if it cannot be read.
    pub subject: String,
    /// Whether somebody has trusted it.
    pub trusted: bool,
    /// Where it is kept.
    pub path: PathBuf,
}

/// Why the list cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// What was given is no SHA-256.
    #[error("{0:?} is no thumbprint: expected the 64 hexadecimal digits of a SHA-256")]
    NoThumbprint(String),
    /// No such certificate waits.
    #[error("no certificate {thumbprint} waits in {}; `list` shows which do", folder.display())]
    Unknown {
        /// As asked for.
        thumbprint: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The file does not hold what its name says.
    #[error("{} was changed after it was stored; delete it and connect again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The disk.
    #[error("cannot use {}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The certificates that the adapter with this folder has met, trusted ones first.
pub fn list_certificates(folder: &Path) -> Result<Vec<ServerCertificate>, CertificateError> {
    let mut found = Vec::new();
    for (trusted, sub_folder) in [
        (true, trusted_folder(folder)),
        (false, waiting_folder(folder)),
    ] {
        for path in files(&sub_folder)? {
            let bytes = read(&path)?;
            let (subject, sha1) = x509::describe(&bytes);
            found.push(ServerCertificate {
                thumbprint: thumbprint(&bytes),
                sha1,
                subject,
                trusted,
                path,
            });
        }
    }
    Ok(found)
}

/// Trusts a certificate that waits, named by its SHA-256; colons, blanks and case do not matter.
/// A certificate that is trusted already stays so.
pub fn trust_certificate(folder: &Path, name: &str) -> Result<(), CertificateError> {
    let wanted: String = name
        .chars()
        .filter(|c| *c != ':' && *c != ' ')
        .collect::<String>()
        .to_lowercase();
    if wanted.len() != 64 || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(CertificateError::NoThumbprint(
            name.chars().take(100).collect(),
        ));
    }
    let from = waiting_folder(folder).join(file_name(&wanted));
    let to = trusted_folder(folder).join(file_name(&wanted));
    if !from.exists() {
        if to.exists() {
            return Ok(());
        }
        let folder = waiting_folder(folder);
        return Err(CertificateError::Unknown {
            thumbprint: wanted,
            folder,
        });
    }
    if thumbprint(&read(&from)?) != wanted {
        return Err(CertificateError::Changed { path: from });
    }
    make_folder(&trusted_folder(folder))?;
    fs::rename(&from, &to).map_err(|source| CertificateError::Disk { path: from, source })
}

/// Whether exactly this certificate is trusted.
pub(crate) fn is_trusted(folder: &Path, certificate: &[u8]) -> Result<bool, CertificateError> {
    let path = trusted_folder(folder).join(file_name(&thumbprint(certificate)));
    Ok(path.exists() && read(&path)? == certificate)
}

/// Puts a certificate on the list of those that wait.
pub(crate) fn keep_waiting(folder: &Path, certificate: &[u8]) -> Result<(), CertificateError> {
    let waiting = waiting_folder(folder);
    make_folder(&waiting)?;
    let path = waiting.join(file_name(&thumbprint(certificate)));
    if path.exists() {
        return Ok(());
    }
    let mut others = files(&waiting)?;
    others.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
    let surplus = (others.len() + 1).saturating_sub(WAITING_MAX);
    for old in others.drain(..surplus) {
        fs::remove_file(&old).map_err(|source| CertificateError::Disk { path: old, source })?;
    }
    fs::write(&path, certificate).map_err(|source| CertificateError::Disk { path, source })
}

/// SHA-256 in hexadecimal.
pub(crate) fn thumbprint(certificate: &[u8]) -> String {
    hex::encode(Sha256::digest(certificate))
}

/// `pki` of an adapter's folder.
pub(crate) fn pki(folder: &Path) -> PathBuf {
    folder.join("pki")
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), CertificateError> {
    fs::create_dir_all(path).map_err(|source| CertificateError::Disk {
        path: path.to_owned(),
        source,
    })
}

fn trusted_folder(folder: &Path) -> PathBuf {
    pki(folder).join("trusted")
}

fn waiting_folder(folder: &Path) -> PathBuf {
    pki(folder).join("rejected")
}

fn file_name(thumbprint: &str) -> String {
    format!("{thumbprint}.der")
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::Disk {
        path: path.to_owned(),
        source,
    })
}

// The .der files of a folder, by name; none if there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, CertificateError> {
    let disk = |source| CertificateError::Disk {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(disk(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(disk)?.path();
        if path.extension().is_some_and(|extension| extension == "der") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_waits_until_it_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(list_certificates(folder.path()).unwrap(), []);
        keep_waiting(folder.path(), b"one").unwrap();
        keep_waiting(folder.path(), b"one").unwrap();
        assert!(!is_trusted(folder.path(), b"one").unwrap());
        let listed = list_certificates(folder.path()).unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].thumbprint, thumbprint(b"one"));
        assert!(!listed[0].trusted);

        // As another tool may show it.
        let upper = listed[0].thumbprint.to_uppercase();
        let spaced: Vec<_> = upper
            .as_bytes()
            .chunks(2)
            .map(String::from_utf8_lossy)
            .collect();
        trust_certificate(folder.path(), &spaced.join(":")).unwrap();
        assert!(is_trusted(folder.path(), b"one").unwrap());
        assert!(list_certificates(folder.path()).unwrap()[0].trusted);
        trust_certificate(folder.path(), &thumbprint(b"one")).unwrap();
        assert!(!is_trusted(folder.path(), b"two").unwrap());
    }

    #[test]
    fn only_what_waits_unchanged_can_be_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let unknown = trust_certificate(folder.path(), &thumbprint(b"one")).unwrap_err();
        assert!(matches!(unknown, CertificateError::Unknown { .. }));
        for name in ["", "../../own/cert", &"g".repeat(64)] {
            let error = trust_certificate(folder.path(), name).unwrap_err();
            assert!(matches!(error, CertificateError::NoThumbprint(_)));
        }
        keep_waiting(folder.path(), b"one").unwrap();
        let path = list_certificates(folder.path()).unwrap()[0].path.clone();
        fs::write(&path, b"other").unwrap();
        let changed = trust_certificate(folder.path(), &thumbprint(b"one")).unwrap_err();
        assert!(matches!(changed, CertificateError::Changed { .. }));
        assert!(!is_trusted(folder.path(), b"other").unwrap());
    }

    #[test]
    fn the_list_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..WAITING_MAX + 5 {
            keep_waiting(folder.path(), format!("certificate {number}").as_bytes()).unwrap();
        }
        assert_eq!(list_certificates(folder.path()).unwrap().len(), WAITING_MAX);
    }
}
