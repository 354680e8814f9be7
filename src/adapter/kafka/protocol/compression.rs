//! Compressed batches, opened with a limit: what a few bytes may become is bounded.

use std::io::{Read, Write as _};

use super::wire::Malformed;

/// What the records of one batch may take when they are open, in bytes.
pub(crate) const OPEN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How Snappy's frames of Java programs begin; without it the batch is one raw block.
const XERIAL: &[u8] = b"\x82SNAPPY\0";
/// Version and compatible version behind it.
const XERIAL_HEAD: usize = 16;

const BROKEN: Malformed = Malformed("a compressed batch cannot be opened");
const TOO_LARGE: Malformed = Malformed("a batch is larger than 32 MiB when it is opened");

/// Opens the records of a batch, by the codec that its attributes name.
pub(crate) fn open(codec: u8, bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    match codec {
        0 => Ok(bytes.to_vec()),
        1 => bounded(flate2::read::MultiGzDecoder::new(bytes)),
        2 => snappy(bytes),
        3 => bounded(lz4_flex::frame::FrameDecoder::new(bytes)),
        4 => bounded(zstd::stream::read::Decoder::new(bytes).map_err(|_| BROKEN)?),
        _ => Err(Malformed(
            "a batch is compressed in a way that is not known",
        )),
    }
}

fn bounded(reader: impl Read) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    let mut reader = reader.take(OPEN_BYTES_MAX as u64 + 1);
    reader.read_to_end(&mut out).map_err(|_| BROKEN)?;
    match out.len() <= OPEN_BYTES_MAX {
        true => Ok(out),
        false => Err(TOO_LARGE),
    }
}

fn snappy(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    if !bytes.starts_with(XERIAL) {
        let mut out = Vec::new();
        return block(bytes, &mut out).map(|()| out);
    }
    let mut rest = bytes.get(XERIAL_HEAD..).ok_or(BROKEN)?;
    let mut out = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (head, behind) = behind.split_at_checked(length).ok_or(BROKEN)?;
        block(head, &mut out)?;
        rest = behind;
    }
    Ok(out)
}

fn block(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    // The length stands in front: it is believed only within the limit.
    let length = snap::raw::decompress_len(bytes).map_err(|_| BROKEN)?;
    if out.len().saturating_add(length) > OPEN_BYTES_MAX {
        return Err(TOO_LARGE);
    }
    let opened = snap::raw::Decoder::new().decompress_vec(bytes);
    out.extend_from_slice(&opened.map_err(|_| BROKEN)?);
    Ok(())
}

/// Compresses by GZIP.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory cannot fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{OPEN_BYTES_MAX, TOO_LARGE, gzip, open};

    #[test]
    fn what_a_few_bytes_become_is_bounded() {
        let bomb = gzip(&vec![0; OPEN_BYTES_MAX + 1]);
        assert!(bomb.len() < 100_000);
        assert_eq!(open(1, &bomb), Err(TOO_LARGE));
        assert_eq!(open(1, &gzip(b"abc")).unwrap(), b"abc");
        // A length of 4 GiB in front of nothing.
        assert_eq!(open(2, &[0xff, 0xff, 0xff, 0xff, 0x0f]), Err(TOO_LARGE));
        for codec in 1..=7 {
            assert!(open(codec, b"nonsense that is nothing").is_err(), "{codec}");
        }
    }
}
