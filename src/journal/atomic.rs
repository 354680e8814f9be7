//! Files that are replaced whole: a reader sees the old content or the new one, never a mixture.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Replaces a file's content: writes a temporary file beside it, syncs it, renames it over the
/// old one and syncs the folder. `mode` is set exactly, whatever the process's umask says.
///
/// A crash leaves the old file, at worst with one temporary file beside it, which the next write
/// replaces. A file has one writer at a time; that is the caller's to see to.
pub fn atomic_write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = temporary_for(path)?;
    let written = write_new(&temporary, bytes, mode).and_then(|_| fs::rename(&temporary, path));
    if let Err(error) = written {
        remove_if_there(&temporary)?;
        return Err(error);
    }
    sync_folder_of(path)
}

/// Makes a rename, a new file or a removal in a file's folder last.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Writes and syncs a file that must not exist afterwards under any other content. What lies
/// there is a leftover of a crash; it is removed first, so that a planted link is not followed.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    remove_if_there(path)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// The name under which the next content of a file is prepared.
pub(crate) fn temporary_for(path: &Path) -> io::Result<PathBuf> {
    with_suffix(path, ".tmp")
}

/// A path with something behind its file name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let mut name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?
        .to_owned();
    name.push(suffix);
    Ok(path.with_file_name(name))
}

/// The folder of a file; of a bare file name it is the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Removes a file; that there is none is fine.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn content_and_mode_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        atomic_write(&path, b"one", 0o644).unwrap();
        atomic_write(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        atomic_write(&path, b"old", 0o600).unwrap();
        write_new(&temporary_for(&path).unwrap(), b"half of the n", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        atomic_write(&path, b"new", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("a"), folder.path().join("victim"));
        fs::write(&victim, b"keep").unwrap();
        symlink(&victim, folder.path().join("a.tmp")).unwrap();
        atomic_write(&path, b"secret", 0o600).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"keep");
        assert_eq!(fs::read(&path).unwrap(), b"secret");
    }

    #[test]
    fn a_failed_rename_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir(&path).unwrap();
        assert!(atomic_write(&path, b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(atomic_write(Path::new("/"), b"x", 0o600).is_err());
    }
}
