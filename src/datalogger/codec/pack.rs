//! Numbers of few bits, side by side.

use super::bytes::Reader;
use super::{Decoded, Malformed};

/// Numbers that share one width.
pub(super) const GROUP: usize = 128;
/// Bytes that the widest group takes, and room to read the last number as a whole word.
const GROUP_BYTES: usize = GROUP * 8 + 16;

/// The bits that a number needs.
pub(super) fn width_of(number: u64) -> u32 {
    64 - number.leading_zeros()
}

/// Appends the lower `width` bits of each number.
pub(super) fn pack(out: &mut Vec<u8>, numbers: impl Iterator<Item = u64>, width: u32) {
    if width == 0 {
        return;
    }
    let (mut word, mut filled) = (0_u128, 0_u32);
    for number in numbers {
        word |= u128::from(number) << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes()[..8]);
            word >>= 64;
            filled -= 64;
        }
    }
    let left = filled.div_ceil(8) as usize;
    out.extend_from_slice(&word.to_le_bytes()[..left]);
}

/// Reads `count` numbers of `width` bits, at most a group, and hands each over.
pub(super) fn unpack(
    reader: &mut Reader<'_>,
    count: usize,
    width: u32,
    mut each: impl FnMut(u64),
) -> Decoded<()> {
    if count > GROUP || width > 64 {
        return Err(Malformed);
    }
    let bytes = reader.take((count * width as usize).div_ceil(8))?;
    let mut padded = [0_u8; GROUP_BYTES];
    padded[..bytes.len()].copy_from_slice(bytes);
    if width <= 56 {
        let mask = (1_u64 << width) - 1;
        for index in 0..count {
            let bit = index * width as usize;
            let word = padded[bit / 8..].first_chunk::<8>().ok_or(Malformed)?;
            each((u64::from_le_bytes(*word) >> (bit % 8)) & mask);
        }
    } else {
        let mask = u64::MAX >> (64 - width);
        for index in 0..count {
            let bit = index * width as usize;
            let word = padded[bit / 8..].first_chunk::<16>().ok_or(Malformed)?;
            let shifted = (u128::from_le_bytes(*word) >> (bit % 8)) & u128::from(mask);
            each(u64::try_from(shifted).map_err(|_| Malformed)?);
        }
    }
    Ok(())
}
