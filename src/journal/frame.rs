//! How a log lies on the disk: a header, then records, each with marker, length and checksum.
//!
//! The checksum covers the file's own salt and the record's place, so neither a stale block of an
//! older file nor a payload that looks like a record is ever taken for one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Bytes of the largest record.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// Bytes in front of the first record.
pub(crate) const HEADER_BYTES: usize = 20;
/// Bytes in front of each payload.
pub(crate) const PREFIX_BYTES: usize = 12;
/// How each record begins; what a search after damage looks for.
pub(crate) const MARKER: [u8; 4] = [0xA7, b'm', b's', 0x1E];

const MAGIC: [u8; 8] = *b"mslog\x00\x00\x01";

/// What makes the checksums of one file differ from those of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(u64);

impl Salt {
    /// A salt that no other file has; it is no secret, so the standard library's is enough.
    pub(crate) fn fresh() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// The header of a file with this salt.
    pub(crate) fn header(self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&self.0.to_le_bytes());
        let sum = crc32fast::hash(&header[..16]);
        header[16..].copy_from_slice(&sum.to_le_bytes());
        header
    }

    /// The salt of a file, or nothing if its header is damaged.
    pub(crate) fn from_header(header: &[u8; HEADER_BYTES]) -> Option<Self> {
        let salt = Self(u64::from_le_bytes(*header[8..].first_chunk()?));
        (salt.header() == *header).then_some(salt)
    }

    /// Writes one record behind what a buffer holds; `offset` is its place in the file.
    pub(crate) fn encode(self, offset: u64, payload: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&MARKER);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.checksum(offset, length, payload).to_le_bytes());
        out.extend_from_slice(payload);
    }

    /// Whether a payload belongs to a prefix found at a place.
    pub(crate) fn fits(self, offset: u64, prefix: Prefix, payload: &[u8]) -> bool {
        self.checksum(offset, prefix.length, payload) == prefix.sum
    }

    fn checksum(self, offset: u64, length: u32, payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(&offset.to_le_bytes());
        hasher.update(&length.to_le_bytes());
        hasher.update(payload);
        hasher.finalize()
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    length: u32,
    sum: u32,
}

impl Prefix {
    /// Reads a prefix; nothing if it cannot be one.
    pub(crate) fn decode(bytes: &[u8; PREFIX_BYTES]) -> Option<Self> {
        let (marker, rest) = bytes.split_first_chunk::<4>()?;
        let (length, sum) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length);
        let sum = u32::from_le_bytes(*sum.first_chunk()?);
        let plausible = *marker == MARKER && length > 0 && length as usize <= RECORD_BYTES_MAX;
        plausible.then_some(Self { length, sum })
    }

    /// Bytes of the payload.
    pub(crate) fn payload_bytes(self) -> usize {
        self.length as usize
    }
}

/// Bytes that a payload takes in the file.
pub(crate) fn record_bytes(payload: usize) -> u64 {
    (PREFIX_BYTES + payload) as u64
}
