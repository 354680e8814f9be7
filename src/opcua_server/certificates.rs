//! The certificates of clients: files below the server's folder. What nobody has decided upon
//! waits; to trust is to move a file, and counts at the client's next try.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mainstem_telemetry::{Health, Problem, Severity};
use opcua::crypto::{CertificateStore, X509};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::limits::{CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX};

const PROBLEM: &str = "opcua_server.certificates";
/// Where the library looks for what is trusted.
const TRUSTED: &str = "trusted";
const WAITING: &str = "waiting";
const REFUSED: &str = "refused";

/// What was decided upon a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// Nothing yet.
    Waiting,
    /// Its client may come in.
    Trusted,
    /// It may not, and is not to be shown as waiting again.
    Refused,
}

impl CertificateState {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Trusted => "trusted",
            Self::Refused => "refused",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Waiting => WAITING,
            Self::Trusted => TRUSTED,
            Self::Refused => REFUSED,
        }
    }
}

/// A client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateView {
    /// SHA-256 of the certificate in hexadecimal: its identity here.
    pub thumbprint: String,
    /// SHA-1 of the certificate, because this is what clients and their tools show.
    pub sha1: String,
    /// Its subject, as the certificate claims it.
    pub subject: String,
    /// What was decided.
    pub state: CertificateState,
}

/// Why the list cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// What was given is no SHA-256.
    #[error("{0:?} is no thumbprint: expected the 64 hexadecimal digits of a SHA-256")]
    NoThumbprint(String),
    /// There is no such certificate.
    #[error("no client came with the certificate {0}")]
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

/// The certificates of one server. Every call may wait for the disk.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
    health: Health,
    /// Held while files are moved.
    changing: Mutex<()>,
}

impl Certificates {
    /// Those in a folder.
    #[must_use]
    pub fn new(folder: &Path, health: Health) -> Self {
        let folder = folder.to_owned();
        let changing = Mutex::new(());
        Self {
            folder,
            health,
            changing,
        }
    }

    /// All of them: those that wait first, then those trusted and refused.
    pub fn list(&self) -> Result<Vec<CertificateView>, CertificateError> {
        let mut found = Vec::new();
        for state in [
            CertificateState::Waiting,
            CertificateState::Trusted,
            CertificateState::Refused,
        ] {
            for path in self.files(state)? {
                let bytes = read(&path)?;
                let parsed = X509::from_der(&bytes).ok();
                let parsed = parsed.as_ref();
                found.push(CertificateView {
                    thumbprint: thumbprint(&bytes),
                    sha1: parsed.map_or_else(String::new, |x| x.thumbprint().as_hex_string()),
                    subject: parsed.map_or_else(String::new, X509::subject_name),
                    state,
                });
            }
        }
        Ok(found)
    }

    /// Trusts or refuses the certificate with a thumbprint; colons, blanks and case do not matter.
    pub fn decide(&self, name: &str, state: CertificateState) -> Result<(), CertificateError> {
        let wanted = clean(name)?;
        let _changing = self.changing.lock();
        let (from, bytes) = self.find(&wanted)?;
        let folder = self.folder.join(state.folder());
        make_folder(&folder)?;
        let to = folder.join(file_name(&bytes, state));
        if from != to {
            disk(&to, fs::write(&to, &bytes))?;
            disk(&from, fs::remove_file(&from))?;
        }
        self.tell();
        Ok(())
    }

    /// Whether exactly this certificate is trusted. If nothing was decided, it waits from now on.
    pub(crate) fn admits(&self, bytes: &[u8]) -> Result<bool, CertificateError> {
        let file = |state| self.folder.join(CertificateState::folder(state));
        let trusted = file(CertificateState::Trusted);
        let trusted = trusted.join(file_name(bytes, CertificateState::Trusted));
        if trusted.exists() && read(&trusted)? == bytes {
            return Ok(true);
        }
        let name = file_name(bytes, CertificateState::Refused);
        let is_known = file(CertificateState::Refused).join(&name).exists()
            || file(CertificateState::Waiting).join(&name).exists();
        if !is_known && X509::from_der(bytes).is_ok() {
            let _changing = self.changing.lock();
            let waiting = file(CertificateState::Waiting);
            make_folder(&waiting)?;
            self.make_room()?;
            let path = waiting.join(name);
            disk(&path, fs::write(&path, bytes))?;
            self.tell();
        }
        Ok(false)
    }

    /// Raises or clears the problem that somebody waits.
    pub(crate) fn tell(&self) {
        let waiting = self.files(CertificateState::Waiting).unwrap_or_default();
        if waiting.is_empty() {
            self.health.clear(PROBLEM);
            return;
        }
        self.health.raise(Problem {
            id: PROBLEM.to_owned(),
            severity: Severity::Warning,
            source: "opcua-server".to_owned(),
            text: format!(
                "{} OPC UA clients wait outside: nobody has trusted their certificates.",
                waiting.len()
            ),
            action: "`mainstem opcua-server certificates list` shows them; compare a thumbprint \
                     with what the client shows, then `trust` or `reject` it."
                .to_owned(),
        });
    }

    /// The oldest that waits makes room, so that strangers cannot fill the disk.
    fn make_room(&self) -> Result<(), CertificateError> {
        let mut others = self.files(CertificateState::Waiting)?;
        others.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
        let surplus = (others.len() + 1).saturating_sub(CERTIFICATES_MAX);
        others
            .drain(..surplus)
            .try_for_each(|old| disk(&old, fs::remove_file(&old)))
    }

    fn find(&self, wanted: &str) -> Result<(PathBuf, Vec<u8>), CertificateError> {
        for state in [
            CertificateState::Waiting,
            CertificateState::Trusted,
            CertificateState::Refused,
        ] {
            for path in self.files(state)? {
                let bytes = read(&path)?;
                if thumbprint(&bytes) == wanted {
                    return Ok((path, bytes));
                }
            }
        }
        Err(CertificateError::Unknown(wanted.to_owned()))
    }

    // The .der files of a folder, by name; none if there is no folder.
    fn files(&self, state: CertificateState) -> Result<Vec<PathBuf>, CertificateError> {
        let folder = self.folder.join(state.folder());
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => disk(&folder, entries)?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = disk(&folder, entry)?.path();
            if path.extension().is_some_and(|extension| extension == "der") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// What is trusted is called as the library calls it, the rest by its thumbprint.
fn file_name(bytes: &[u8], state: CertificateState) -> String {
    match (state, X509::from_der(bytes)) {
        (CertificateState::Trusted, Ok(parsed)) => CertificateStore::cert_file_name(&parsed),
        _ => format!("{}.der", thumbprint(bytes)),
    }
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

/// SHA-256 in hexadecimal.
pub(crate) fn thumbprint(certificate: &[u8]) -> String {
    hex::encode(Sha256::digest(certificate))
}

fn make_folder(path: &Path) -> Result<(), CertificateError> {
    disk(path, fs::create_dir_all(path))
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = disk(path, fs::File::open(path))?;
    let most = CERTIFICATE_BYTES_MAX as u64;
    disk(path, file.take(most).read_to_end(&mut bytes))?;
    Ok(bytes)
}

fn disk<T>(path: &Path, result: io::Result<T>) -> Result<T, CertificateError> {
    result.map_err(|source| CertificateError::Disk {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
