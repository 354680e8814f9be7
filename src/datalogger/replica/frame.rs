//! Rows as compressed columns: the codec of the store with a checksum before it.
//!
//! A frame is its length and the CRC-32 of what follows, four bytes each, little endian, and then:
//! its kind, the number of the series at the server (four bytes), and the columns.

use crate::codec::block;
use crate::{Row, SeriesId};

/// What stands before the content.
pub(crate) const HEAD_BYTES: usize = 8;
const ROWS: u8 = 1;
const LINE: u8 = 2;

/// What a frame holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame<'a> {
    /// Rows of a series, by its number at the server.
    Rows(u32, Vec<Row>),
    /// A line as in the other form: what is told that is no row.
    Line(&'a [u8]),
    /// A newer server tells what this one does not know.
    Unknown,
}

/// Appends rows of one series, at most as many as a block holds.
pub(crate) fn put_rows(out: &mut Vec<u8>, id: u32, rows: &[Row]) {
    let mut content = vec![ROWS];
    content.extend_from_slice(&id.to_le_bytes());
    content.extend_from_slice(&block::encode(rows));
    put(out, &content);
}

/// Appends a line.
pub(crate) fn put_line(out: &mut Vec<u8>, line: &[u8]) {
    let mut content = vec![LINE];
    content.extend_from_slice(line);
    put(out, &content);
}

fn put(out: &mut Vec<u8>, content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    out.extend_from_slice(content);
}

/// Reads one whole frame; nothing if it is damaged. The rows get the number 0 as their series.
pub(crate) fn get(frame: &[u8]) -> Option<Frame<'_>> {
    let (head, content) = frame.split_at_checked(HEAD_BYTES)?;
    let checksum = u32::from_le_bytes(head[4..].try_into().ok()?);
    if crc32fast::hash(content) != checksum {
        return None;
    }
    match content.split_first()? {
        (&ROWS, rest) => {
            let (id, columns) = rest.split_first_chunk::<4>()?;
            let rows = block::decode(SeriesId(0), columns).ok()?;
            Some(Frame::Rows(u32::from_le_bytes(*id), rows))
        }
        (&LINE, line) => Some(Frame::Line(line)),
        _ => Some(Frame::Unknown),
    }
}
