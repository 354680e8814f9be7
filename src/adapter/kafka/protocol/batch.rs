//! Batches of records, format 2: those of brokers since 0.11.

use super::compression;
use super::crc32c::crc32c;
use super::wire::{Malformed, Reader, Write};

/// Bytes of a batch before what its length counts: its offset and the length.
const BEFORE_LENGTH: usize = 12;
/// The format.
const MAGIC: i8 = 2;
/// Records of one batch.
const RECORDS_MAX: usize = 1_000_000;
const CODEC_BITS: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const IS_CONTROL: i16 = 0x20;
const GZIP: i16 = 1;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its place in the partition.
    pub(crate) offset: i64,
    /// When it was made, or appended if the topic says so, in milliseconds since 1970.
    pub(crate) millis: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// What a broker sent of a partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batches {
    /// The messages, in their order.
    pub(crate) messages: Vec<Message>,
    /// The place behind everything that was sent, whether it could be read or not.
    pub(crate) next: Option<i64>,
    /// What was wrong with batches that could not be read.
    pub(crate) broken: Vec<Malformed>,
}

/// Reads batches. A broker cuts the last one where its answer is full: that is left for later.
pub(crate) fn read(bytes: &[u8]) -> Batches {
    let mut reader = Reader::new(bytes);
    let mut found = Batches::default();
    while let Ok(base) = reader.i64() {
        let Some(length) = reader
            .i32()
            .ok()
            .and_then(|length| usize::try_from(length).ok())
        else {
            break;
        };
        let Ok(content) = reader.take(length) else {
            break;
        };
        match one(base, content, &mut found.messages) {
            Ok(next) => found.next = Some(found.next.unwrap_or(next).max(next)),
            Err(problem) => {
                found.broken.push(problem);
                // The way over it stands in its head, if that can be believed.
                let next = last_offset(base, content).saturating_add(1);
                found.next = Some(found.next.unwrap_or(next).max(next));
            }
        }
    }
    found
}

fn last_offset(base: i64, content: &[u8]) -> i64 {
    let head = content.get(4).filter(|magic| **magic == MAGIC as u8);
    let delta = head.and_then(|_| content.get(11..15)?.first_chunk::<4>());
    let delta = delta.map_or(0, |delta| i64::from(i32::from_be_bytes(*delta)));
    base.saturating_add(delta.max(0))
}

fn one(base: i64, content: &[u8], messages: &mut Vec<Message>) -> Result<i64, Malformed> {
    let mut head = Reader::new(content);
    let _leader_epoch = head.i32()?;
    if head.i8()? != MAGIC {
        return Err(Malformed("a batch has the format of before Kafka 0.11"));
    }
    let sum = head.u32()?;
    if crc32c(head.take(head.remaining())?) != sum {
        return Err(Malformed("the checksum of a batch is wrong"));
    }
    // Behind leader epoch, format and checksum, whose lengths were just read.
    let mut rest = Reader::new(content.get(9..).unwrap_or_default());
    let attributes = rest.i16()?;
    let last_delta = rest.i32()?;
    let (first_millis, max_millis) = (rest.i64()?, rest.i64()?);
    let (_producer, _epoch, _sequence) = (rest.i64()?, rest.i16()?, rest.i32()?);
    let count = usize::try_from(rest.i32()?).unwrap_or(0);
    let next = base
        .saturating_add(i64::from(last_delta.max(0)))
        .saturating_add(1);
    if attributes & IS_CONTROL != 0 {
        return Ok(next);
    }
    if count > RECORDS_MAX {
        return Err(Malformed("a batch has more than a million records"));
    }
    let packed = rest.take(rest.remaining())?;
    let opened = compression::open((attributes & CODEC_BITS) as u8, packed)?;
    let mut records = Reader::new(&opened);
    let begun = messages.len();
    for _ in 0..count {
        let mut read = || -> Result<Message, Malformed> {
            let length = usize::try_from(records.varint()?);
            let length = length.map_err(|_| Malformed("a record has a negative length"))?;
            let mut record = Reader::new(records.take(length)?);
            let mut message = self::record(&mut record)?;
            message.offset = message.offset.saturating_add(base);
            message.millis = match attributes & LOG_APPEND_TIME {
                0 => message.millis.saturating_add(first_millis),
                _ => max_millis,
            };
            Ok(message)
        };
        match read() {
            Ok(message) => messages.push(message),
            Err(problem) => {
                // A batch is taken as a whole or not at all.
                messages.truncate(begun);
                return Err(problem);
            }
        }
    }
    Ok(next)
}

/// One record, its place and time as differences.
fn record(reader: &mut Reader<'_>) -> Result<Message, Malformed> {
    let _attributes = reader.i8()?;
    let (millis, offset) = (reader.varint()?, reader.varint()?);
    let key = reader.var_bytes()?.map(<[u8]>::to_vec);
    let value = reader.var_bytes()?.map(<[u8]>::to_vec);
    let count = usize::try_from(reader.varint()?).unwrap_or(0);
    if count > reader.remaining() {
        return Err(Malformed("a record has more headers than bytes"));
    }
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        let name = reader.var_bytes()?.unwrap_or_default();
        let content = reader.var_bytes()?.unwrap_or_default();
        headers.push((String::from_utf8_lossy(name).into_owned(), content.to_vec()));
    }
    Ok(Message {
        offset,
        millis,
        key,
        value,
        headers,
    })
}

/// Writes a batch of one message.
pub(crate) fn write(message: &Message, is_gzip: bool) -> Vec<u8> {
    let mut record = Vec::new();
    record.put_i8(0);
    record.put_varint(0);
    record.put_varint(0);
    record.put_var_bytes(message.key.as_deref());
    record.put_var_bytes(message.value.as_deref());
    record.put_varint(i64::try_from(message.headers.len()).unwrap_or(0));
    for (name, content) in &message.headers {
        record.put_var_bytes(Some(name.as_bytes()));
        record.put_var_bytes(Some(content));
    }
    let mut records = Vec::new();
    records.put_var_bytes(Some(&record));
    if is_gzip {
        records = compression::gzip(&records);
    }
    let mut body = Vec::new();
    body.put_i16(if is_gzip { GZIP } else { 0 });
    body.put_i32(0);
    body.put_i64(message.millis);
    body.put_i64(message.millis);
    // No producer id, epoch and sequence: nothing is sent twice.
    body.put_i64(-1);
    body.put_i16(-1);
    body.put_i32(-1);
    body.put_i32(1);
    body.put(&records);
    let mut batch = Vec::with_capacity(BEFORE_LENGTH + 9 + body.len());
    batch.put_i64(0);
    batch.put_len(9 + body.len());
    batch.put_i32(-1);
    batch.put_i8(MAGIC);
    batch.put(&crc32c(&body).to_be_bytes());
    batch.put(&body);
    batch
}

#[cfg(test)]
mod tests;
