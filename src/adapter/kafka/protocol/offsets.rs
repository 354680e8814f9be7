//! Where a partition begins and ends. Request 2, version 1.

use super::wire::{Malformed, Reader, Write};

pub(crate) const KEY: i16 = 2;
pub(crate) const VERSION: i16 = 1;

/// Which place is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Behind the last message.
    Latest,
    /// At the first one that is kept.
    Earliest,
}

/// Asks for one place.
pub(crate) fn request(topic: &str, partition: i32, which: Which) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_i32(-1);
    body.put_len(1);
    body.put_text(topic);
    body.put_len(1);
    body.put_i32(partition);
    body.put_i64(match which {
        Which::Latest => -1,
        Which::Earliest => -2,
    });
    body
}

/// Reads the answer: an error code, and the place.
pub(crate) fn answer(bytes: &[u8]) -> Result<(i16, i64), Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.count()? != 1 {
        return Err(Malformed("another number of topics than asked for"));
    }
    let _topic = reader.text()?;
    if reader.count()? != 1 {
        return Err(Malformed("another number of partitions than asked for"));
    }
    let (_partition, code, _time, place) =
        (reader.i32()?, reader.i16()?, reader.i64()?, reader.i64()?);
    Ok((code, place))
}
