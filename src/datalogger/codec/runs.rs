//! A column in which the same stands many times in a row: qualities and kinds.

use super::bytes::{Reader, put_varint};
use super::{Decoded, Malformed};

/// Appends the runs of a column.
pub(super) fn put(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((same, length)) if *same == value => *length += 1,
            _ => runs.push((value, 1)),
        }
    }
    for (value, length) in runs {
        put_varint(out, value);
        put_varint(out, length);
    }
}

/// Reads runs that cover exactly `count` values.
pub(super) fn get(reader: &mut Reader<'_>, count: usize) -> Decoded<Vec<(u64, usize)>> {
    let mut runs = Vec::new();
    let mut left = count;
    while left > 0 {
        let value = reader.varint()?;
        let length = reader.count(left)?;
        if length == 0 {
            return Err(Malformed);
        }
        runs.push((value, length));
        left -= length;
    }
    Ok(runs)
}
