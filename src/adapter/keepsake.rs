//! One small file in an adapter's folder: what it must know again after a restart of the node.

use std::io;
use std::path::PathBuf;

use mainstem_journal::{Checked, read_checked, write_checked};

/// Only the node may read what an adapter keeps.
const MODE: u32 = 0o600;

/// A document that an adapter keeps. Its methods block.
#[derive(Debug)]
pub struct Keepsake {
    folder: PathBuf,
    name: &'static str,
}

impl Keepsake {
    /// The document of a name below [`crate::AdapterSpec::folder`]. Touches nothing.
    pub fn new(folder: PathBuf, name: &'static str) -> Self {
        Self { folder, name }
    }

    /// What was kept; nothing where nothing was, or where it was damaged, which is logged.
    pub fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match read_checked(&self.folder.join(self.name))? {
            Checked::Absent => Ok(None),
            Checked::Intact(bytes) => Ok(Some(bytes)),
            Checked::Broken { moved_to, reason } => {
                tracing::warn!(
                    moved_to = %moved_to.display(),
                    reason,
                    "what an adapter had kept is damaged and was set aside"
                );
                Ok(None)
            }
        }
    }

    /// Keeps it in place of what was kept before; it is on the disk when this returns.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        write_checked(&self.folder.join(self.name), bytes, MODE)
    }
}
