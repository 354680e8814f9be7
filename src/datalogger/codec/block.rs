//! Settled rows of one series: a column each for times, row numbers, times of receipt, qualities
//! and values, then zstd over all of it where that helps.

use super::bytes::{Reader, put_varint};
use super::{Decoded, Malformed, ints, runs, values};
use crate::{Logged, Row, SeriesId};

/// Rows of one block.
pub(crate) const BLOCK_ROWS_MAX: usize = 8192;
/// Bytes of a block before compression. Texts are what can make it large.
pub(crate) const BLOCK_BYTES_MAX: usize = 8 << 20;

const PLAIN: u8 = 1;
const COMPRESSED: u8 = 2;
/// The fastest ordinary level: bit-packed columns gain little, and byte planes gain at once.
const LEVEL: i32 = 1;

/// Encodes rows of one series, ordered by time and row number.
pub(crate) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(64 + rows.len() * 4);
    plain.push(PLAIN);
    put_varint(&mut plain, rows.len() as u64);
    let column = |of: fn(&Row) -> i64| rows.iter().map(of).collect::<Vec<_>>();
    ints::put(&mut plain, &column(|row| row.time));
    ints::put(&mut plain, &column(|row| row.row.cast_signed()));
    runs::put(
        &mut plain,
        rows.iter().map(|row| u64::from(row.received.is_some())),
    );
    let behind = rows.iter().filter_map(|row| {
        let received = row.received?;
        Some(received.wrapping_sub(row.time))
    });
    ints::put(&mut plain, &behind.collect::<Vec<_>>());
    runs::put(&mut plain, rows.iter().map(|row| u64::from(row.quality)));
    values::put(&mut plain, rows);
    compressed(&plain).unwrap_or(plain)
}

/// The compressed form, where it is smaller by a tenth: reading it costs time too.
fn compressed(plain: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::bulk::compress(&plain[1..], LEVEL).ok()?;
    if packed.len() + packed.len() / 9 >= plain.len() {
        return None;
    }
    let mut out = Vec::with_capacity(packed.len() + 6);
    out.push(COMPRESSED);
    put_varint(&mut out, plain.len() as u64 - 1);
    out.extend_from_slice(&packed);
    Some(out)
}

/// Reads a block back.
pub(crate) fn decode(series: SeriesId, bytes: &[u8]) -> Decoded<Vec<Row>> {
    let mut reader = Reader::new(bytes);
    match reader.byte()? {
        PLAIN => decode_plain(series, reader),
        COMPRESSED => {
            let length = reader.count(BLOCK_BYTES_MAX)?;
            let plain = zstd::bulk::decompress(reader.rest(), length).map_err(|_| Malformed)?;
            decode_plain(series, Reader::new(&plain))
        }
        _ => Err(Malformed),
    }
}

fn decode_plain(series: SeriesId, mut reader: Reader<'_>) -> Decoded<Vec<Row>> {
    let count = reader.count(BLOCK_ROWS_MAX)?;
    let times = ints::get(&mut reader, count)?;
    let numbers = ints::get(&mut reader, count)?;
    let presence = runs::get(&mut reader, count)?;
    let present = presence.iter().filter(|run| run.0 != 0);
    let behind = ints::get(&mut reader, present.map(|run| run.1).sum())?;
    let qualities = runs::get(&mut reader, count)?;
    let mut rows = Vec::with_capacity(count);
    let mut heads = times.iter().zip(&numbers);
    values::get(&mut reader, count, |value: Logged| {
        if let Some((time, row)) = heads.next() {
            rows.push(Row {
                series,
                row: row.cast_unsigned(),
                time: *time,
                received: None,
                value,
                quality: 0,
            });
        }
    })?;
    if !reader.is_empty() || rows.len() != count {
        return Err(Malformed);
    }
    set_received(&mut rows, &presence, &behind);
    set_qualities(&mut rows, &qualities)?;
    Ok(rows)
}

fn set_received(rows: &mut [Row], presence: &[(u64, usize)], behind: &[i64]) {
    let mut rows = rows.iter_mut();
    let mut behind = behind.iter();
    for (present, length) in presence {
        for row in rows.by_ref().take(*length) {
            if *present != 0 {
                row.received = behind.next().map(|behind| row.time.wrapping_add(*behind));
            }
        }
    }
}

fn set_qualities(rows: &mut [Row], qualities: &[(u64, usize)]) -> Decoded<()> {
    let mut rows = rows.iter_mut();
    for (code, length) in qualities {
        let quality = u16::try_from(*code).map_err(|_| Malformed)?;
        let run = rows.by_ref().take(*length);
        // Good is what they are made with.
        if quality != 0 {
            run.for_each(|row| row.quality = quality);
        } else {
            run.for_each(drop);
        }
    }
    Ok(())
}
