//! Files of certificates.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::CertificateError;

pub(crate) fn make_folder(path: &Path) -> Result<(), CertificateError> {
    disk(path, fs::create_dir_all(path))
}

/// The first bytes of a file, `most` of them.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, CertificateError> {
    let mut bytes = Vec::new();
    let file = disk(path, fs::File::open(path))?;
    disk(path, file.take(most as u64).read_to_end(&mut bytes))?;
    Ok(bytes)
}

/// The .der files of a folder, by name; none if there is no folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, CertificateError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => disk(folder, entries)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = disk(folder, entry)?.path();
        if path.extension().is_some_and(|extension| extension == "der") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

pub(crate) fn disk<T>(path: &Path, result: io::Result<T>) -> Result<T, CertificateError> {
    result.map_err(|source| CertificateError::Disk {
        path: path.to_owned(),
        source,
    })
}
