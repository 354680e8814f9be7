//! How far the store had come, noted in a small file behind each commit.
//!
//! To SQLite the damaged end of a write-ahead log is a commit that was cut short: it leaves it out
//! and says nothing. The note knows better. It is written when a commit is on disk and is not synced
//! itself, so it costs one small write; after a power cut it may be older than the store, never
//! newer. A store that is behind its note has lost what was acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file of the note.
const REACHED: &str = "reached";
const BYTES: usize = 8 + 8 + 4;

/// A place in the store: a part, and the first of its blobs that was not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reached {
    pub(super) part: u64,
    pub(super) next_batch: i64,
}

impl Reached {
    /// The note of a folder, if there is one that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(REACHED)).ok()?;
        let (words, checksum) = bytes.split_at_checked(BYTES - 4)?;
        if checksum != crc32fast::hash(words).to_le_bytes() {
            return None;
        }
        let (part, batch) = words.split_at(8);
        Some(Self {
            part: u64::from_le_bytes(part.try_into().ok()?),
            next_batch: i64::from_le_bytes(batch.try_into().ok()?),
        })
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.part.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.next_batch.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// The note, open for writing.
pub(super) struct Note {
    path: PathBuf,
    file: Option<File>,
}

impl Note {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            path: folder.join(REACHED),
            file: None,
        }
    }

    /// Notes a place behind its commit. A note that cannot be written is only older than it could
    /// be, which costs nothing but the finding of damage.
    pub(super) fn write(&mut self, reached: Reached) {
        if let Err(error) = self.try_write(reached) {
            self.file = None;
            tracing::debug!(%error, "it could not be noted how far the store has come");
        }
    }

    fn try_write(&mut self, reached: Reached) -> io::Result<()> {
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(false).mode(0o600);
            self.file = Some(options.open(&self.path)?);
        }
        match &self.file {
            Some(file) => file.write_all_at(&reached.to_bytes(), 0),
            None => Ok(()),
        }
    }
}
