//! A message for a partition. Request 0, version 3.

use super::wire::{Malformed, Reader, Write};

pub(crate) const KEY: i16 = 0;
pub(crate) const VERSION: i16 = 3;

/// Sends a batch. `acks` is 1 for the leader, -1 for all replicas in sync.
pub(crate) fn request(
    topic: &str,
    partition: i32,
    batch: &[u8],
    acks: i16,
    timeout_ms: i32,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(batch.len() + 64);
    // No transaction.
    body.put_i16(-1);
    body.put_i16(acks);
    body.put_i32(timeout_ms);
    body.put_len(1);
    body.put_text(topic);
    body.put_len(1);
    body.put_i32(partition);
    body.put_bytes(batch);
    body
}

/// Reads the answer: an error code, and the place of the message.
pub(crate) fn answer(bytes: &[u8]) -> Result<(i16, i64), Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.count()? != 1 {
        return Err(Malformed("another number of topics than sent"));
    }
    let _topic = reader.text()?;
    if reader.count()? != 1 {
        return Err(Malformed("another number of partitions than sent"));
    }
    let (_partition, code, place) = (reader.i32()?, reader.i16()?, reader.i64()?);
    Ok((code, place))
}
