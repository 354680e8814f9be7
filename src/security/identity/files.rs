//! The files of an identity and what to do when one of them is not as it should be.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mainstem_journal::atomic_write;
use mainstem_model::NodeId;
use rcgen::KeyPair;
use uuid::Uuid;

use super::IdentityError;

pub(super) const NODE_FILE: &str = "node-id";
pub(super) const CA_FILE: &str = "ca.pem";
pub(super) const CA_KEY_FILE: &str = "ca-key.pem";
pub(super) const CERTIFICATE_FILE: &str = "cert.pem";
pub(super) const KEY_FILE: &str = "key.pem";

const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// The content of a file; nothing if there is none. What is no text is shown as far as it is.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, IdentityError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdentityError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a file that everybody may read.
pub(super) fn write_public(path: &Path, text: &str) -> Result<(), IdentityError> {
    write(path, text, PUBLIC)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), IdentityError> {
    atomic_write(path, text.as_bytes(), mode).map_err(|source| IdentityError::Write {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn node_id(path: &Path) -> Result<NodeId, IdentityError> {
    if let Some(text) = read_text(path)? {
        return Uuid::parse_str(text.trim())
            .map(NodeId)
            .map_err(|_| IdentityError::Damaged {
                path: path.to_owned(),
                fault: "holds no UUID",
                action: "restore it from a backup; removed, the node becomes a new one to its \
                     neighbours",
            });
    }
    let id = Uuid::new_v4();
    write_public(path, &format!("{id}\n"))?;
    Ok(NodeId(id))
}

/// The node's own key. It is made only together with its certificate: a certificate without its
/// key means that the key was lost, and with it every pin.
pub(super) fn node_key(folder: &Path, notices: &mut Vec<String>) -> Result<KeyPair, IdentityError> {
    let certificate = folder.join(CERTIFICATE_FILE);
    key(&folder.join(KEY_FILE), certificate.exists(), notices)
}

/// Reads a private key or makes it; `expected` says that there should be one.
pub(super) fn key(
    path: &Path,
    expected: bool,
    notices: &mut Vec<String>,
) -> Result<KeyPair, IdentityError> {
    let damaged = |fault, action| IdentityError::Damaged {
        path: path.to_owned(),
        fault,
        action,
    };
    let Some(text) = read_text(path)? else {
        if expected {
            return Err(damaged(
                "is missing although its certificate is there",
                "restore it from a backup; if it is lost, remove the certificate too (cert.pem, \
                 or ca.pem for ca-key.pem), then pair the neighbours again",
            ));
        }
        let made = KeyPair::generate().map_err(IdentityError::Make)?;
        write(path, &made.serialize_pem(), PRIVATE)?;
        return Ok(made);
    };
    tighten(path, notices)?;
    KeyPair::from_pem(&text).map_err(|_| {
        damaged(
            "holds no private key in PEM form",
            "restore it from a backup; if it is lost, remove it and its certificate, then pair \
             the neighbours again",
        )
    })
}

/// Takes the rights of others off a private key.
fn tighten(path: &Path, notices: &mut Vec<String>) -> Result<(), IdentityError> {
    let metadata = fs::metadata(path).map_err(|source| IdentityError::Read {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(PRIVATE)).map_err(|source| {
        IdentityError::Write {
            path: path.to_owned(),
            source,
        }
    })?;
    notices.push(format!(
        "{} could be read by others and was made private.",
        path.display()
    ));
    Ok(())
}
