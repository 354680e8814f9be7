//! Who a node is: its UUID, its key, its certificates and the epoch of this start.

mod certificate;
mod epoch;
mod files;
#[cfg(test)]
mod tests;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstem_model::{NodeId, Timestamp};
use rcgen::KeyPair;
use uuid::Uuid;

use crate::tls::{Certificates, Pin};
pub use certificate::NAMES_MAX;
use certificate::{Authority, Wanted};
pub use epoch::FeedEpoch;
use files::{CA_FILE, CERTIFICATE_FILE, KEY_FILE, NODE_FILE};

/// Why a node has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data folder cannot be made.
    #[error("cannot make the data folder {path}: check the folder above it and its owner")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: check that it belongs to the user that runs mainstem")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: check the disk's space and the folder's owner")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is damaged or missing, and only a person can decide what it should be.
    #[error("{path} {fault}: {action}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: &'static str,
        /// What to do.
        action: &'static str,
    },
    /// A name that cannot stand in a certificate.
    #[error("{0:?} cannot stand in a certificate: use a host name or an IP address")]
    Name(String),
    /// Too many names for one certificate.
    #[error("a certificate has at most {NAMES_MAX} names, not {0}")]
    Names(usize),
    /// A certificate could not be made.
    #[error("a certificate could not be made")]
    Make(#[source] rcgen::Error),
    /// A key that TLS does not take.
    #[error("TLS does not take the key in {path}: restore the file from a backup")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
}

/// The identity of a running node.
#[derive(Debug)]
pub struct Identity {
    id: NodeId,
    instance: Uuid,
    epoch: FeedEpoch,
    pin: Pin,
    folder: PathBuf,
    node_name: String,
    key: KeyPair,
    authority: Authority,
    certificates: Arc<Certificates>,
    notices: Vec<String>,
}

impl Identity {
    /// Reads a node's identity from its data folder, makes what is not there yet, renews the
    /// certificate if it ends soon or the names have changed, and begins a new epoch. The key
    /// stays, so pins at the neighbours last.
    pub fn load_or_create(
        folder: &Path,
        node_name: &str,
        names: &[String],
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let mut maker = DirBuilder::new();
        maker
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| IdentityError::Folder {
                path: folder.to_owned(),
                source,
            })?;
        let mut notices = Vec::new();
        let id = files::node_id(&folder.join(NODE_FILE))?;
        let authority = Authority::load_or_create(folder, id, &mut notices)?;
        let key = files::node_key(folder, &mut notices)?;
        let wanted = Wanted {
            node_name,
            key: &key,
            names,
        };
        let leaf = authority.leaf(folder, &wanted, now, &mut notices)?;
        let certified = certificate::certified(folder, &leaf, &authority, &key)?;
        let epoch = FeedEpoch::begin(folder, now, &mut notices)?;
        Ok(Self {
            id,
            instance: Uuid::new_v4(),
            epoch,
            pin: certificate::pin_of(&key),
            folder: folder.to_owned(),
            node_name: node_name.to_owned(),
            key,
            authority,
            certificates: Arc::new(Certificates::new(certified)),
            notices,
        })
    }

    /// Renews the certificate if it is due or the names have changed; sessions that are open go
    /// on, new ones see the new certificate. Returns whether it was renewed.
    pub fn renew_if_due(&self, names: &[String], now: Timestamp) -> Result<bool, IdentityError> {
        let path = self.folder.join(CERTIFICATE_FILE);
        let before = files::read_text(&path)?;
        let mut notices = Vec::new();
        let folder = &self.folder;
        let wanted = Wanted {
            node_name: &self.node_name,
            key: &self.key,
            names,
        };
        let leaf = self.authority.leaf(folder, &wanted, now, &mut notices)?;
        if before.as_ref() == Some(&leaf) {
            return Ok(false);
        }
        let certified = certificate::certified(folder, &leaf, &self.authority, &self.key)?;
        self.certificates.replace(certified);
        Ok(true)
    }

    /// The node's UUID, which lasts as long as its data folder.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Tells this start of the node from every other one.
    pub fn instance(&self) -> Uuid {
        self.instance
    }

    /// The epoch of the feed, new at each start.
    pub fn epoch(&self) -> FeedEpoch {
        self.epoch
    }

    /// The hash of the node's key, by which its neighbours recognise it.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// Where the certificate lies that clients may trust instead of the pin.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join(CA_FILE)
    }

    /// Where the key lies, for messages.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join(KEY_FILE)
    }

    /// What was repaired while loading, as sentences for the log.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    pub(crate) fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.certificates)
    }
}
