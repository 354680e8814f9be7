//! What the edits of a series hide, as bytes with a checksum over them and over whose they are.

use super::bytes::{Reader, put_signed, put_varint};
use super::{Decoded, Malformed};
use crate::SeriesId;
use crate::superseded::{EDITS_KEPT, STRETCHES_MAX, Stretch, Superseded};

/// Encodes it.
pub(crate) fn encode(series: SeriesId, superseded: &Superseded) -> Vec<u8> {
    let mut out = vec![0; 4];
    put_varint(&mut out, superseded.stretches().len() as u64);
    for stretch in superseded.stretches() {
        put_signed(&mut out, stretch.from);
        put_signed(&mut out, stretch.to);
        put_varint(&mut out, stretch.below);
    }
    put_varint(&mut out, superseded.edits().len() as u64);
    for row in superseded.edits() {
        put_varint(&mut out, *row);
    }
    let checksum = checksum(series, &out[4..]);
    out[..4].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads it back.
pub(crate) fn decode(series: SeriesId, bytes: &[u8]) -> Decoded<Superseded> {
    let mut reader = Reader::new(bytes);
    let written = u32::from_le_bytes(reader.array()?);
    if checksum(series, reader.rest()) != written {
        return Err(Malformed);
    }
    let mut stretches = Vec::new();
    for _ in 0..reader.count(STRETCHES_MAX)? {
        stretches.push(Stretch {
            from: reader.signed()?,
            to: reader.signed()?,
            below: reader.varint()?,
        });
    }
    let mut edits = Vec::new();
    for _ in 0..reader.count(EDITS_KEPT)? {
        edits.push(reader.varint()?);
    }
    match reader.is_empty() {
        true => Ok(Superseded::of(stretches, edits)),
        false => Err(Malformed),
    }
}

fn checksum(series: SeriesId, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&series.0.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}
