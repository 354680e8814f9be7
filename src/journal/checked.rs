//! A whole file with its checksum in front, so that damage is noticed before it is believed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::atomic::atomic_write;
use crate::quarantine::set_aside;

/// Bytes that one checked file may hold.
pub const CHECKED_BYTES_MAX: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"mschk\x00\x00\x01";
const ENVELOPE_BYTES: usize = 8 + 8 + 4;

/// What was found where a checked file was expected.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// No such file.
    Absent,
    /// The content as it was written.
    Intact(Vec<u8>),
    /// The file was damaged; it lies now under another name and nothing is at its own.
    Broken {
        /// Where the damaged file lies now.
        moved_to: PathBuf,
        /// What was wrong with it, as a sentence's end.
        reason: &'static str,
    },
}

/// Writes a file that [`read_checked`] can judge, as [`atomic_write`](crate::atomic_write) does.
pub fn write_checked(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let length = bytes.len() as u64;
    if length > CHECKED_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "above CHECKED_BYTES_MAX",
        ));
    }
    let mut content = Vec::with_capacity(ENVELOPE_BYTES + bytes.len());
    content.extend_from_slice(&MAGIC);
    content.extend_from_slice(&length.to_le_bytes());
    content.extend_from_slice(&checksum(length, bytes).to_le_bytes());
    content.extend_from_slice(bytes);
    atomic_write(path, &content, mode)
}

/// Reads a file that [`write_checked`] wrote. A damaged one is set aside.
pub fn read_checked(path: &Path) -> io::Result<Checked> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Checked::Absent),
        opened => opened?,
    };
    let mut content = Vec::new();
    file.take(CHECKED_BYTES_MAX + ENVELOPE_BYTES as u64 + 1)
        .read_to_end(&mut content)?;
    match judge(&content) {
        Ok(()) => Ok(Checked::Intact(content.split_off(ENVELOPE_BYTES))),
        Err(reason) => Ok(Checked::Broken {
            moved_to: set_aside(path)?,
            reason,
        }),
    }
}

fn judge(content: &[u8]) -> Result<(), &'static str> {
    let (magic, rest) = content.split_at_checked(8).ok_or("it is too short")?;
    if magic != MAGIC {
        return Err("it does not begin as such a file does");
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or("it is too short")?;
    let (sum, payload) = rest.split_first_chunk::<4>().ok_or("it is too short")?;
    let length = u64::from_le_bytes(*length);
    if payload.len() as u64 != length {
        return Err("its length is not the one it was written with");
    }
    match checksum(length, payload) == u32::from_le_bytes(*sum) {
        true => Ok(()),
        false => Err("its checksum is wrong"),
    }
}

fn checksum(length: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn content_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        assert_eq!(read_checked(&path).unwrap(), Checked::Absent);
        for content in [b"".as_slice(), b"x", &[7; 100_000]] {
            write_checked(&path, content, 0o600).unwrap();
            assert_eq!(
                read_checked(&path).unwrap(),
                Checked::Intact(content.to_vec())
            );
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write_checked(&path, b"hello", 0o600).unwrap();
        let good = fs::read(&path).unwrap();
        let flipped = (0..good.len() * 8).map(|bit| {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            bad
        });
        let cut = (0..good.len()).map(|length| good[..length].to_vec());
        let longer = std::iter::once([good.as_slice(), b"!"].concat());
        for bad in flipped.chain(cut).chain(longer) {
            fs::write(&path, &bad).unwrap();
            let Checked::Broken { moved_to, .. } = read_checked(&path).unwrap() else {
                panic!("damage went unnoticed: {bad:?}")
            };
            assert_eq!(fs::read(moved_to).unwrap(), bad);
            assert_eq!(read_checked(&path).unwrap(), Checked::Absent);
        }
    }
}
