//! The certificates below one folder, and what was decided upon them.

use std::fs;
use std::path::{Path, PathBuf};

use opcua::crypto::{CertificateStore, X509};
use parking_lot::Mutex;

use crate::files::{disk, files, make_folder, read};
use crate::{CertificateError, CertificateState, CertificateView, thumbprint};

/// Certificates that wait for a decision; the oldest makes room, so that strangers with a new one
/// at each try cannot fill the disk.
pub const CERTIFICATES_MAX: usize = 32;
/// Bytes of a certificate that is looked at.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// The certificates of one folder. Every call may wait for the disk.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
    /// Held while files are moved.
    changing: Mutex<()>,
}

impl Certificates {
    /// Those in a folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            changing: Mutex::new(()),
        }
    }

    /// All of them: those that wait first, then those trusted and refused.
    pub fn list(&self) -> Result<Vec<CertificateView>, CertificateError> {
        let mut found = Vec::new();
        for state in CertificateState::ALL {
            for path in self.files(state)? {
                let bytes = read(&path, CERTIFICATE_BYTES_MAX)?;
                found.push(CertificateView::new(&bytes, state));
            }
        }
        Ok(found)
    }

    /// How many wait for a decision.
    pub fn waiting(&self) -> Result<usize, CertificateError> {
        Ok(self.files(CertificateState::Waiting)?.len())
    }

    /// Trusts or refuses the certificate with a thumbprint; colons, blanks and case do not matter.
    pub fn decide(&self, name: &str, state: CertificateState) -> Result<(), CertificateError> {
        let wanted = clean(name)?;
        let _changing = self.changing.lock();
        let (from, bytes) = self.find(&wanted)?;
        let folder = self.folder_of(state);
        make_folder(&folder)?;
        let to = folder.join(file_name(&bytes, state));
        if from != to {
            disk(&to, fs::write(&to, &bytes))?;
            disk(&from, fs::remove_file(&from))?;
        }
        Ok(())
    }

    /// The bytes (DER) of the certificate with a thumbprint.
    pub fn export(&self, name: &str) -> Result<Vec<u8>, CertificateError> {
        Ok(self.find(&clean(name)?)?.1)
    }

    /// What was decided upon exactly this certificate. If nothing was, it waits from now on.
    pub fn meet(&self, bytes: &[u8]) -> Result<CertificateState, CertificateError> {
        for state in [CertificateState::Trusted, CertificateState::Refused] {
            if self.is_there(bytes, state)? {
                return Ok(state);
            }
        }
        let waiting = CertificateState::Waiting;
        if !self.is_there(bytes, waiting)? && X509::from_der(bytes).is_ok() {
            let _changing = self.changing.lock();
            let folder = self.folder_of(waiting);
            make_folder(&folder)?;
            self.make_room()?;
            let path = folder.join(file_name(bytes, waiting));
            disk(&path, fs::write(&path, bytes))?;
        }
        Ok(waiting)
    }

    // A file counts by its content, so nobody gains by a name.
    fn is_there(&self, bytes: &[u8], state: CertificateState) -> Result<bool, CertificateError> {
        let folder = self.folder_of(state);
        for name in [file_name(bytes, state), plain_name(bytes)] {
            let path = folder.join(name);
            if path.exists() && read(&path, CERTIFICATE_BYTES_MAX)? == bytes {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn make_room(&self) -> Result<(), CertificateError> {
        let mut others = self.files(CertificateState::Waiting)?;
        others.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
        let surplus = (others.len() + 1).saturating_sub(CERTIFICATES_MAX);
        others
            .drain(..surplus)
            .try_for_each(|old| disk(&old, fs::remove_file(&old)))
    }

    fn find(&self, wanted: &str) -> Result<(PathBuf, Vec<u8>), CertificateError> {
        for state in CertificateState::ALL {
            for path in self.files(state)? {
                let bytes = read(&path, CERTIFICATE_BYTES_MAX)?;
                if thumbprint(&bytes) == wanted {
                    return Ok((path, bytes));
                }
            }
        }
        Err(CertificateError::Unknown(wanted.to_owned()))
    }

    fn files(&self, state: CertificateState) -> Result<Vec<PathBuf>, CertificateError> {
        files(&self.folder_of(state))
    }

    fn folder_of(&self, state: CertificateState) -> PathBuf {
        self.folder.join(state.as_str())
    }
}

/// What is trusted is called as the OPC UA library looks for it, the rest by its thumbprint.
fn file_name(bytes: &[u8], state: CertificateState) -> String {
    match (state, X509::from_der(bytes)) {
        (CertificateState::Trusted, Ok(parsed)) => CertificateStore::cert_file_name(&parsed),
        _ => plain_name(bytes),
    }
}

fn plain_name(bytes: &[u8]) -> String {
    format!("{}.der", thumbprint(bytes))
}

fn clean(name: &str) -> Result<String, CertificateError> {
    let kept = name.chars().filter(|c| !matches!(c, ':' | ' '));
    let wanted = kept.collect::<String>().to_lowercase();
    if wanted.len() == 64 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(wanted);
    }
    let shown = name.chars().take(100).collect();
    Err(CertificateError::NoThumbprint(shown))
}
