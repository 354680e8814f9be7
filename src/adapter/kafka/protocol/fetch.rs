//! Messages of partitions. Request 1, version 4.

use super::batch::{self, Batches};
use super::wire::{Malformed, Reader, Write};

pub(crate) const KEY: i16 = 1;
pub(crate) const VERSION: i16 = 4;

/// What is asked of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) from: i64,
}

/// What came of a partition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) code: i16,
    pub(crate) batches: Batches,
}

/// Asks for messages of partitions: at most so many bytes of each, held for so long if there are
/// none.
pub(crate) fn request(wishes: &[Wish<'_>], max_wait_ms: i32, max_bytes: i32) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_i32(-1);
    body.put_i32(max_wait_ms);
    body.put_i32(1);
    body.put_i32(max_bytes.saturating_mul(i32::try_from(wishes.len()).unwrap_or(1)));
    // Also messages of transactions that are not closed: who wants those alone reads another way.
    body.put_i8(0);
    body.put_len(wishes.len());
    for wish in wishes {
        body.put_text(wish.topic);
        body.put_len(1);
        body.put_i32(wish.partition);
        body.put_i64(wish.from);
        body.put_i32(max_bytes);
    }
    body
}

/// Reads the answer, with the time for which the broker wants to be left alone.
pub(crate) fn answer(bytes: &[u8]) -> Result<(Vec<Came>, i32), Malformed> {
    let mut reader = Reader::new(bytes);
    let throttle_ms = reader.i32()?;
    let mut found = Vec::new();
    for _ in 0..reader.count()? {
        let topic = reader.text()?;
        for _ in 0..reader.count()? {
            let (partition, code) = (reader.i32()?, reader.i16()?);
            let (_high, _stable) = (reader.i64()?, reader.i64()?);
            let aborted = reader.count()?;
            reader.take(aborted.saturating_mul(16))?;
            let batches = batch::read(reader.bytes()?);
            found.push(Came {
                topic: topic.to_owned(),
                partition,
                code,
                batches,
            });
        }
    }
    Ok((found, throttle_ms))
}
