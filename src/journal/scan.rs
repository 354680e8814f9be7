//! Reading a log back: how far it is intact, what kind of damage follows, and its records.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::error::LogError;
use crate::frame::{HEADER_BYTES, MARKER, PREFIX_BYTES, Prefix, Salt, record_bytes};

/// Bytes looked at in one step of the search for records behind damage.
const WINDOW_BYTES: usize = 64 * 1024;

/// What a file holds.
pub(crate) enum Found {
    /// Not even a header: the file was made and never written.
    Unwritten,
    /// The header is damaged, so no record can be trusted.
    BadHeader,
    /// Records up to `end`.
    Records(Extent),
}

/// How far a file is intact.
pub(crate) struct Extent {
    pub(crate) salt: Salt,
    pub(crate) end: u64,
    pub(crate) records: u64,
    pub(crate) damage: Option<Damage>,
}

/// What follows the intact part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Nothing readable: the last write did not finish.
    Tail,
    /// Readable records: something in the middle changed.
    Middle,
}

/// Reads a file once from the front.
pub(crate) fn survey(file: &File, length: u64) -> io::Result<Found> {
    if length < HEADER_BYTES as u64 {
        return Ok(Found::Unwritten);
    }
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0)?;
    let Some(salt) = Salt::from_header(&header) else {
        return Ok(Found::BadHeader);
    };
    let mut reader = Reader::new(file.try_clone()?, salt, length)?;
    let mut records = 0;
    while reader.next()?.is_some() {
        records += 1;
    }
    let end = reader.offset;
    let damage = match end < length {
        false => None,
        true if record_follows(file, salt, end, length)? => Some(Damage::Middle),
        true => Some(Damage::Tail),
    };
    Ok(Found::Records(Extent {
        salt,
        end,
        records,
        damage,
    }))
}

/// Walks records from the first on; ends at the first that is not whole.
struct Reader {
    file: BufReader<File>,
    salt: Salt,
    offset: u64,
    end: u64,
}

impl Reader {
    fn new(mut file: File, salt: Salt, end: u64) -> io::Result<Self> {
        let offset = file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        Ok(Self {
            file: BufReader::with_capacity(WINDOW_BYTES, file),
            salt,
            offset,
            end,
        })
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let left = self.end - self.offset;
        if left < PREFIX_BYTES as u64 {
            return Ok(None);
        }
        let mut prefix = [0; PREFIX_BYTES];
        self.file.read_exact(&mut prefix)?;
        let Some(prefix) = Prefix::decode(&prefix) else {
            return Ok(None);
        };
        let taken = record_bytes(prefix.payload_bytes());
        if taken > left {
            return Ok(None);
        }
        let mut payload = vec![0; prefix.payload_bytes()];
        self.file.read_exact(&mut payload)?;
        if !self.salt.fits(self.offset, prefix, &payload) {
            return Ok(None);
        }
        self.offset += taken;
        Ok(Some(payload))
    }
}

/// Whether any whole record lies behind a damaged place.
fn record_follows(file: &File, salt: Salt, damage: u64, length: u64) -> io::Result<bool> {
    let mut window = vec![0; WINDOW_BYTES];
    let mut start = damage + 1;
    while start + PREFIX_BYTES as u64 <= length {
        let wanted = usize::try_from(length - start)
            .unwrap_or(usize::MAX)
            .min(WINDOW_BYTES);
        file.read_exact_at(&mut window[..wanted], start)?;
        let candidates = window[..wanted].windows(MARKER.len()).enumerate();
        for (place, _) in candidates.filter(|(_, bytes)| **bytes == MARKER) {
            if is_record(file, salt, start + place as u64, length)? {
                return Ok(true);
            }
        }
        // A marker may lie across the border of two windows.
        start += (wanted - (MARKER.len() - 1)).max(1) as u64;
    }
    Ok(false)
}

fn is_record(file: &File, salt: Salt, offset: u64, length: u64) -> io::Result<bool> {
    if length - offset < PREFIX_BYTES as u64 {
        return Ok(false);
    }
    let mut prefix = [0; PREFIX_BYTES];
    file.read_exact_at(&mut prefix, offset)?;
    let Some(prefix) = Prefix::decode(&prefix) else {
        return Ok(false);
    };
    if record_bytes(prefix.payload_bytes()) > length - offset {
        return Ok(false);
    }
    let mut payload = vec![0; prefix.payload_bytes()];
    file.read_exact_at(&mut payload, offset + PREFIX_BYTES as u64)?;
    Ok(salt.fits(offset, prefix, &payload))
}

/// The records of a log as it was opened, oldest first. It reads from the disk as it goes, so a
/// long log costs no memory, and goes on reading the old file if the log is rotated meanwhile.
pub struct Replay {
    reader: Option<Reader>,
    left: u64,
    path: PathBuf,
}

impl Replay {
    pub(crate) fn new(file: File, extent: &Extent, path: PathBuf) -> io::Result<Self> {
        let reader = Reader::new(file, extent.salt, extent.end)?;
        Ok(Self {
            reader: Some(reader),
            left: extent.records,
            path,
        })
    }

    /// Records not yet read.
    pub fn remaining(&self) -> u64 {
        self.left
    }
}

impl Iterator for Replay {
    type Item = Result<Vec<u8>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let read = self.reader.as_mut()?.next();
        self.left -= 1;
        let changed = || io::Error::new(io::ErrorKind::InvalidData, "a record changed on the disk");
        match read.and_then(|record| record.ok_or_else(changed)) {
            Ok(record) => Some(Ok(record)),
            Err(source) => {
                self.reader = None;
                Some(Err(LogError::Read {
                    path: self.path.clone(),
                    source,
                }))
            }
        }
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay")
            .field("path", &self.path)
            .field("left", &self.left)
            .finish()
    }
}
