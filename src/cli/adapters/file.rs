//! Files that a person names: read within a limit, written only where nothing is.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use crate::cli::exit::{Exit, Failure};

/// The text of a file.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Failure,
        };
        Failure::new(exit, format!("{} cannot be read: {error}", path.display()))
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("{} has more than {bytes_max} bytes", path.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    // Lists from spreadsheets come in Latin-1 as well; its codes are the first of Unicode.
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text),
        Err(error) => error
            .into_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect(),
    })
}

/// Writes a new file.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        let failure = Failure::new(Exit::Failure, message);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => failure.action("name another file, or move it"),
            _ => failure,
        }
    })
}
