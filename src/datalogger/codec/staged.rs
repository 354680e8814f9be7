//! Rows just appended: one blob for many series, a segment each, and a directory of the segments.
//! It is made to be written fast and to be read by series.

use std::sync::Arc;

use super::bytes::{Reader, put_signed, put_varint};
use super::values::{TEXT_BYTES_MAX, kind};
use super::{Decoded, Malformed};
use crate::{Edit, Logged, Row, SeriesId};

/// Segments in one blob.
pub(crate) const SEGMENTS_MAX: usize = 1 << 20;
/// Rows in one segment.
pub(crate) const SEGMENT_ROWS_MAX: usize = 1 << 20;

const KIND: u8 = 0x07;
const RECEIVED: u8 = 0x08;
const QUALITY: u8 = 0x10;
const TRUE: u8 = 0x20;

/// One series' part of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) series: SeriesId,
    /// Rows in it; none where numbers are only declared as never coming.
    pub(crate) rows: usize,
    /// Where its bytes begin, and how many there are.
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) checksum: u32,
    /// The oldest and newest time in it.
    pub(crate) times: (i64, i64),
    /// The row numbers that it stands for, as ranges.
    pub(crate) numbers: Vec<(u64, u64)>,
}

/// Appends one series' rows to a blob and describes them. `numbers` are theirs.
pub(crate) fn put_segment(blob: &mut Vec<u8>, rows: &[&Row], numbers: Vec<(u64, u64)>) -> Segment {
    let offset = blob.len();
    let series = rows.first().map_or(SeriesId(0), |row| row.series);
    let mut times = (i64::MAX, i64::MIN);
    let mut before = (0_u64, 0_i64, 0_u16);
    for row in rows {
        times = (times.0.min(row.time), times.1.max(row.time));
        put_row(blob, row, before);
        before = (row.row, row.time, row.quality);
    }
    Segment {
        series,
        rows: rows.len(),
        offset,
        length: blob.len() - offset,
        checksum: crc32fast::hash(&blob[offset..]),
        times,
        numbers,
    }
}

fn put_row(blob: &mut Vec<u8>, row: &Row, before: (u64, i64, u16)) {
    let mut tag = kind(&row.value);
    if row.received.is_some() {
        tag |= RECEIVED;
    }
    if row.quality != before.2 {
        tag |= QUALITY;
    }
    if matches!(row.value, Logged::Bool(true)) {
        tag |= TRUE;
    }
    blob.push(tag);
    put_signed(blob, row.row.wrapping_sub(before.0).cast_signed());
    put_signed(blob, row.time.wrapping_sub(before.1));
    if let Some(received) = row.received {
        put_signed(blob, received.wrapping_sub(row.time));
    }
    if row.quality != before.2 {
        put_varint(blob, u64::from(row.quality));
    }
    match &row.value {
        Logged::None | Logged::Bool(_) => {}
        Logged::Number(number) => blob.extend_from_slice(&number.to_bits().to_le_bytes()),
        Logged::Integer(integer) => put_signed(blob, *integer),
        Logged::Text(text) => put_text(blob, text),
        Logged::Edit(edit) => put_text(blob, &edit.to_text()),
    }
}

fn put_text(blob: &mut Vec<u8>, text: &str) {
    put_varint(blob, text.len() as u64);
    blob.extend_from_slice(text.as_bytes());
}

/// Reads a segment's bytes back; they must be exactly what was written.
pub(crate) fn get_segment(segment: &Segment, bytes: &[u8]) -> Decoded<Vec<Row>> {
    if bytes.len() != segment.length || crc32fast::hash(bytes) != segment.checksum {
        return Err(Malformed);
    }
    let mut reader = Reader::new(bytes);
    let mut rows = Vec::with_capacity(segment.rows.min(SEGMENT_ROWS_MAX));
    let mut before = (0_u64, 0_i64, 0_u16);
    for _ in 0..segment.rows {
        let row = get_row(&mut reader, segment.series, before)?;
        before = (row.row, row.time, row.quality);
        rows.push(row);
    }
    match reader.is_empty() {
        true => Ok(rows),
        false => Err(Malformed),
    }
}

fn get_row(reader: &mut Reader<'_>, series: SeriesId, before: (u64, i64, u16)) -> Decoded<Row> {
    let tag = reader.byte()?;
    let row = before.0.wrapping_add(reader.signed()?.cast_unsigned());
    let time = before.1.wrapping_add(reader.signed()?);
    let received = match tag & RECEIVED {
        0 => None,
        _ => Some(time.wrapping_add(reader.signed()?)),
    };
    let quality = match tag & QUALITY {
        0 => before.2,
        _ => u16::try_from(reader.varint()?).map_err(|_| Malformed)?,
    };
    let value = match tag & KIND {
        0 => Logged::None,
        1 => Logged::Number(f64::from_bits(u64::from_le_bytes(reader.array()?))),
        2 => Logged::Integer(reader.signed()?),
        3 => Logged::Bool(tag & TRUE != 0),
        4 => Logged::Text(Arc::from(get_text(reader)?)),
        5 => Logged::Edit(Edit::from_text(get_text(reader)?).ok_or(Malformed)?),
        _ => return Err(Malformed),
    };
    Ok(Row {
        series,
        row,
        time,
        received,
        value,
        quality,
    })
}

fn get_text<'a>(reader: &mut Reader<'a>) -> Decoded<&'a str> {
    let length = reader.count(TEXT_BYTES_MAX)?;
    std::str::from_utf8(reader.take(length)?).map_err(|_| Malformed)
}

/// The directory of a blob, with its checksum in front.
pub(crate) fn directory(segments: &[Segment]) -> Vec<u8> {
    let mut out = vec![0; 4];
    put_varint(&mut out, segments.len() as u64);
    for segment in segments {
        put_varint(&mut out, u64::from(segment.series.0));
        put_varint(&mut out, segment.rows as u64);
        put_varint(&mut out, segment.length as u64);
        out.extend_from_slice(&segment.checksum.to_le_bytes());
        put_signed(&mut out, segment.times.0);
        put_signed(&mut out, segment.times.1.wrapping_sub(segment.times.0));
        put_numbers(&mut out, &segment.numbers);
    }
    let checksum = crc32fast::hash(&out[4..]);
    out[..4].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads a directory back.
pub(crate) fn read_directory(bytes: &[u8]) -> Decoded<Vec<Segment>> {
    let mut reader = Reader::new(bytes);
    let checksum = u32::from_le_bytes(reader.array()?);
    if crc32fast::hash(reader.rest()) != checksum {
        return Err(Malformed);
    }
    let mut offset = 0;
    let mut segments = Vec::new();
    for _ in 0..reader.count(SEGMENTS_MAX)? {
        let series = u32::try_from(reader.varint()?).map_err(|_| Malformed)?;
        let rows = reader.count(SEGMENT_ROWS_MAX)?;
        let length = reader.count(usize::MAX)?;
        let checksum = u32::from_le_bytes(reader.array()?);
        let first = reader.signed()?;
        let last = first.wrapping_add(reader.signed()?);
        segments.push(Segment {
            series: SeriesId(series),
            rows,
            offset,
            length,
            checksum,
            times: (first, last),
            numbers: get_numbers(&mut reader)?,
        });
        offset = offset.checked_add(length).ok_or(Malformed)?;
    }
    match reader.is_empty() {
        true => Ok(segments),
        false => Err(Malformed),
    }
}

/// One series' segments in a directory, without taking the others apart.
pub(crate) fn find_in_directory(bytes: &[u8], series: SeriesId) -> Decoded<Vec<Segment>> {
    let mut reader = Reader::new(bytes);
    let checksum = u32::from_le_bytes(reader.array()?);
    if crc32fast::hash(reader.rest()) != checksum {
        return Err(Malformed);
    }
    let mut offset = 0_usize;
    let mut found = Vec::new();
    for _ in 0..reader.count(SEGMENTS_MAX)? {
        let id = reader.varint()?;
        let rows = reader.count(SEGMENT_ROWS_MAX)?;
        let length = reader.count(usize::MAX)?;
        let checksum = u32::from_le_bytes(reader.array()?);
        let first = reader.signed()?;
        let last = first.wrapping_add(reader.signed()?);
        let mine = id == u64::from(series.0) && rows > 0;
        let mut numbers = Vec::new();
        for _ in 0..reader.count(SEGMENT_ROWS_MAX)? {
            let low = reader.varint()?;
            let high = low.checked_add(reader.varint()?).ok_or(Malformed)?;
            if mine {
                numbers.push((low, high));
            }
        }
        if mine {
            found.push(Segment {
                series,
                rows,
                offset,
                length,
                checksum,
                times: (first, last),
                numbers,
            });
        }
        offset = offset.checked_add(length).ok_or(Malformed)?;
    }
    Ok(found)
}

/// Appends ranges of row numbers.
fn put_numbers(out: &mut Vec<u8>, numbers: &[(u64, u64)]) {
    put_varint(out, numbers.len() as u64);
    for (first, last) in numbers {
        put_varint(out, *first);
        put_varint(out, last.saturating_sub(*first));
    }
}

fn get_numbers(reader: &mut Reader<'_>) -> Decoded<Vec<(u64, u64)>> {
    let mut numbers = Vec::new();
    for _ in 0..reader.count(SEGMENT_ROWS_MAX)? {
        let first = reader.varint()?;
        let last = first.checked_add(reader.varint()?).ok_or(Malformed)?;
        numbers.push((first, last));
    }
    Ok(numbers)
}

/// Ranges of row numbers as bytes, with their checksum and whose they are in it.
pub(crate) fn ranges_to_bytes(series: SeriesId, ranges: &[(u64, u64)]) -> Vec<u8> {
    let mut out = vec![0; 4];
    put_numbers(&mut out, ranges);
    let checksum = ranges_checksum(series, &out[4..]);
    out[..4].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads them back.
pub(crate) fn ranges_from_bytes(series: SeriesId, bytes: &[u8]) -> Decoded<Vec<(u64, u64)>> {
    let mut reader = Reader::new(bytes);
    let checksum = u32::from_le_bytes(reader.array()?);
    if ranges_checksum(series, reader.rest()) != checksum {
        return Err(Malformed);
    }
    get_numbers(&mut reader)
}

fn ranges_checksum(series: SeriesId, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&series.0.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}
