//! Opening SQLite files, and what their errors mean.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstem_journal::sync_folder_of;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::config::Synchronous;
use crate::SinkError;

pub(super) type Told<T> = Result<T, SinkError>;

/// How long a connection waits for another one's lock. Writers never wait for each other here:
/// there is one.
const BUSY: Duration = Duration::from_secs(5);
/// Pages of the write-ahead log before they are copied into the file.
const CHECKPOINT_PAGES: i64 = 4096;
/// Bytes that the write-ahead log keeps on disk after that.
const LOG_BYTES_KEPT: i64 = 32 << 20;
/// Cache of one connection, in KiB; blocks and blobs are read once.
const CACHE_KIB: i64 = 1024;

/// Opens a file for its one writer, making it where it does not exist.
pub(super) fn open_writer(path: &Path, synchronous: Synchronous) -> rusqlite::Result<Connection> {
    make(path).map_err(|error| cannot_open(&error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.execute_batch(&format!(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {level}; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
         PRAGMA journal_size_limit = {LOG_BYTES_KEPT}; PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA temp_store = MEMORY;"
    ))?;
    Ok(connection)
}

/// Opens a file for a reader.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(&format!("PRAGMA cache_size = -{CACHE_KIB};"))?;
    Ok(connection)
}

/// SQLite would make the file with the umask's mode and not make its name last.
fn make(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(_) => sync_folder_of(path),
    }
}

fn cannot_open(error: &io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

/// Whether the file itself is damaged, and not the disk full or busy.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    ) || matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::QueryReturnedNoRows
    ) || error.to_string().starts_with("no such table")
}

/// The error of reading a file.
pub(super) fn read_error(path: &Path) -> impl Fn(rusqlite::Error) -> SinkError + '_ {
    move |error| {
        let (path, reason) = (path.to_owned(), error.to_string());
        match is_damage(&error) {
            true => SinkError::Damaged { path, reason },
            false => SinkError::Read { path, reason },
        }
    }
}

/// The error of writing a file.
pub(super) fn write_error(path: &Path) -> impl Fn(rusqlite::Error) -> SinkError + '_ {
    move |error| SinkError::Failed {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// What is damaged, where.
pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> SinkError {
    SinkError::Damaged {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

/// The error of opening a store.
pub(super) fn open_error(path: &Path, error: impl ToString) -> SinkError {
    SinkError::Open {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// The file beside a SQLite file.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Sets a damaged file aside together with its log, so that SQLite's own tools can open it.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let target = mainstem_journal::set_aside(path)?;
    rename_if_there(&beside(path, "-wal"), &beside(&target, "-wal"))?;
    remove_if_there(&beside(path, "-shm"))?;
    sync_folder_of(path)?;
    Ok(target)
}

/// Deletes a file with what SQLite keeps beside it.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    // The log last: a file without its log would look whole and lack what was committed last.
    remove_if_there(path)?;
    remove_if_there(&beside(path, "-wal"))?;
    remove_if_there(&beside(path, "-shm"))?;
    sync_folder_of(path)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The bytes of a file and its log.
pub(super) fn bytes_of(path: &Path) -> u64 {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    length(path) + length(&beside(path, "-wal"))
}
