//! Noticing that a store was copied to another place: restored from a backup, or cloned.
//!
//! A copy has other inodes than its original. A small file is made once and never written again;
//! the catalogue remembers which inode it was and when that was born. Restoring over the same
//! file in place cannot be noticed here; whoever reads the store from above sees numbers go back.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use mainstem_journal::sync_folder_of;

/// The file whose identity is remembered.
const PLACE: &str = "place";

/// The identity of the folder's file, which is made where it does not exist.
pub(super) fn mark_of(folder: &Path) -> io::Result<String> {
    let path = folder.join(PLACE);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
        Ok(_) => sync_folder_of(&path)?,
    }
    let found = fs::metadata(&path)?;
    // Not every file system knows when a file was born.
    let born = found.created().ok();
    let born = born.and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
    let born = born.map_or(0, |since| since.as_nanos());
    Ok(format!("{}:{born}", found.ino()))
}
