//! The append-only log.

mod recover;
#[cfg(test)]
pub(crate) mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::atomic::{remove_if_there, sync_folder_of, temporary_for, with_suffix, write_new};
use crate::error::LogError;
use crate::frame::{RECORD_BYTES_MAX, Salt, record_bytes};
use crate::scan::Replay;
use recover::{recover, start};

/// Bytes of a log unless its owner says otherwise.
pub const LOG_BYTES_DEFAULT: u64 = 64 << 20;

/// Only the node's own user reads what its logs hold.
const MODE: u32 = 0o600;

/// A file of records that only grows, until it is rotated.
///
/// A record counts as kept once [`sync`](Self::sync) has returned after it. When the disk refuses
/// a sync, the kernel may already have dropped the pages, so the log is failed for good: it must
/// be opened again, which reads back what is really there.
#[derive(Debug)]
pub struct AppendLog {
    file: File,
    path: PathBuf,
    salt: Salt,
    end: u64,
    limit: u64,
    failed: bool,
    scratch: Vec<u8>,
}

/// What opening a log found.
#[derive(Debug)]
pub struct Opened {
    /// The log, ready for the next record.
    pub log: AppendLog,
    /// The records it holds already, oldest first.
    pub replay: Replay,
    /// The end of the last write, cut off because it had not finished.
    pub torn: Option<Torn>,
    /// Damage in the middle; everything from it on is lost to the log and kept in another file.
    pub broken: Option<Broken>,
}

/// A last write that did not finish, most likely because the power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Where it began in the file.
    pub offset: u64,
    /// Bytes cut off.
    pub bytes: u64,
}

/// Damage that an interrupted write cannot explain: records follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where the damage begins in the file.
    pub offset: u64,
    /// Bytes that the log lost, damage included.
    pub bytes: u64,
    /// Where the damaged file lies now. The new one holds the records before the damage.
    pub moved_to: PathBuf,
}

impl AppendLog {
    /// Opens a log or makes it; `limit` is the size in bytes at which it is [full](LogError::Full).
    pub fn open(path: &Path, limit: u64) -> Result<Opened, LogError> {
        let failed = |source| LogError::Open {
            path: path.to_owned(),
            source,
        };
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened.map_err(failed)?),
        };
        match file {
            None => start(path, limit, None, None).map_err(failed),
            Some(file) => {
                lock(&file, path)?;
                recover(file, path, limit).map_err(failed)
            }
        }
    }

    /// Appends one record. It is kept once [`sync`](Self::sync) has returned.
    pub fn append(&mut self, payload: &[u8]) -> Result<(), LogError> {
        self.usable()?;
        if payload.is_empty() || payload.len() > RECORD_BYTES_MAX {
            return Err(LogError::RecordSize {
                bytes: payload.len(),
            });
        }
        let taken = record_bytes(payload.len());
        if self.end + taken > self.limit {
            return Err(LogError::Full {
                path: self.path.clone(),
                limit: self.limit,
            });
        }
        self.scratch.clear();
        self.salt.encode(self.end, payload, &mut self.scratch);
        if let Err(source) = self.file.write_all_at(&self.scratch, self.end) {
            // Half a record must not stay; if it cannot be cut off, the next opening does it.
            self.failed = self.file.set_len(self.end).is_err();
            return Err(LogError::Append {
                path: self.path.clone(),
                source,
            });
        }
        self.end += taken;
        Ok(())
    }

    /// Makes every record appended so far last.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.usable()?;
        self.file.sync_data().map_err(|source| {
            self.failed = true;
            LogError::Sync {
                path: self.path.clone(),
                source,
            }
        })
    }

    /// Starts the log anew with the given records, in one step that a crash cannot halve. The
    /// old file stays as `<name>.1` until the next rotation.
    pub fn rotate(&mut self, carried: &[Vec<u8>]) -> Result<(), LogError> {
        self.usable()?;
        let (salt, content) = compose(carried, self.limit, &self.path)?;
        let failed = |source| LogError::Rotate {
            path: self.path.clone(),
            source,
        };
        let previous = with_suffix(&self.path, ".1").map_err(failed)?;
        let fresh = replace(&self.path, &content, |path| {
            remove_if_there(&previous)?;
            fs::hard_link(path, &previous)
        });
        self.file = match fresh {
            Ok(file) => file,
            Err(source) => {
                // Once the new file has the name, what is appended to the old one would be lost.
                self.failed = !has_the_name(&self.file, &self.path);
                return Err(LogError::Rotate {
                    path: self.path.clone(),
                    source,
                });
            }
        };
        self.salt = salt;
        self.end = content.len() as u64;
        Ok(())
    }

    /// Bytes of the file, its header included.
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// Whether it takes no more records until it is opened again.
    pub fn is_failed(&self) -> bool {
        self.failed
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn usable(&self) -> Result<(), LogError> {
        match self.failed {
            true => Err(LogError::Failed {
                path: self.path.clone(),
            }),
            false => Ok(()),
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(LogError::Open {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Whether a path still leads to an open file.
fn has_the_name(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

/// Puts a new file, already locked, in the place of a log; `before` runs when it is ready.
fn replace(
    path: &Path,
    content: &[u8],
    before: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<File> {
    let temporary = temporary_for(path)?;
    let ready = write_new(&temporary, content, MODE).and_then(|file| {
        file.try_lock()?;
        before(path)?;
        fs::rename(&temporary, path)?;
        sync_folder_of(path)?;
        Ok(file)
    });
    if ready.is_err() {
        remove_if_there(&temporary)?;
    }
    ready
}

/// The whole content of a log that begins with the given records.
fn compose(carried: &[Vec<u8>], limit: u64, path: &Path) -> Result<(Salt, Vec<u8>), LogError> {
    let salt = Salt::fresh();
    let mut content = salt.header().to_vec();
    for payload in carried {
        if payload.is_empty() || payload.len() > RECORD_BYTES_MAX {
            return Err(LogError::RecordSize {
                bytes: payload.len(),
            });
        }
        salt.encode(content.len() as u64, payload, &mut content);
    }
    match content.len() as u64 > limit {
        true => Err(LogError::Full {
            path: path.to_owned(),
            limit,
        }),
        false => Ok((salt, content)),
    }
}
