//! Pieces in the binary form of `COPY`. Pure.

use super::piece::{self, Piece};
use crate::Logged;

const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: &[u8] = &[0xff, 0xff];
const COLUMNS: i16 = 13;
// The numbers of types that arrays name, from the server's catalogue; they never change.
const INT8: u32 = 20;
const FLOAT8: u32 = 701;
const BYTEA: u32 = 17;

/// The statement that these bytes are for.
pub(super) const STATEMENT: &str = "COPY piece (series, first, last, low, high, kind, quality, \
    times, rows, received, numbers, integers, texts) FROM STDIN (FORMAT binary)";

/// Pieces being written.
pub(super) struct Copy {
    bytes: Vec<u8>,
}

impl Copy {
    pub(super) fn new(room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(HEAD);
        Self { bytes }
    }

    /// Adds a piece of the series that has this number at the server.
    pub(super) fn put(&mut self, series: i32, piece: &Piece<'_>) {
        let (times, numbers, rows) = (piece.times(), piece.numbers(), &piece.rows);
        self.bytes.extend_from_slice(&COLUMNS.to_be_bytes());
        self.field(&series.to_be_bytes());
        for number in [
            times.0,
            times.1,
            numbers.0.cast_signed(),
            numbers.1.cast_signed(),
        ] {
            self.field(&number.to_be_bytes());
        }
        self.field(&piece.alike.kind.to_be_bytes());
        self.field(&i32::from(piece.alike.quality).to_be_bytes());
        self.longs(rows.iter().map(|row| row.time));
        match piece.is_dense() {
            true => self.null(),
            false => self.longs(rows.iter().map(|row| row.row.cast_signed())),
        }
        match piece.alike.received {
            true => self.longs(rows.iter().map(|row| row.received.unwrap_or(row.time))),
            false => self.null(),
        }
        self.values(piece);
    }

    /// One of the last three columns has the values, or none of them.
    fn values(&mut self, piece: &Piece<'_>) {
        let values = piece.rows.iter().map(|row| &row.value);
        let place = match piece.alike.kind {
            kind if kind == piece::kind(&Logged::None) => None,
            1 => Some(0),
            2 | 3 => Some(1),
            _ => Some(2),
        };
        for column in 0..3 {
            match (place == Some(column), column) {
                (false, _) => self.null(),
                (true, 0) => self.array(FLOAT8, values.clone(), |out, value| match value {
                    Logged::Number(number) => out.extend_from_slice(&number.to_be_bytes()),
                    _ => out.extend_from_slice(&0.0_f64.to_be_bytes()),
                }),
                (true, 1) => self.longs(values.clone().map(|value| match value {
                    Logged::Integer(integer) => *integer,
                    Logged::Bool(truth) => i64::from(*truth),
                    _ => 0,
                })),
                (true, _) => self.array(BYTEA, values.clone(), |out, value| match value {
                    Logged::Text(text) => out.extend_from_slice(text.as_bytes()),
                    Logged::Edit(edit) => out.extend_from_slice(edit.to_text().as_bytes()),
                    _ => {}
                }),
            }
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn null(&mut self) {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
    }

    fn longs(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        self.array(INT8, values, |out, value| {
            out.extend_from_slice(&value.to_be_bytes());
        });
    }

    /// An array of one dimension without nulls.
    fn array<T>(
        &mut self,
        of: u32,
        values: impl ExactSizeIterator<Item = T>,
        put: impl Fn(&mut Vec<u8>, T),
    ) {
        let begin = self.bytes.len();
        // Its length follows when it is known.
        self.bytes.extend_from_slice(&[0; 4]);
        for word in [1, 0, of] {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
        self.length(values.len());
        self.bytes.extend_from_slice(&1_i32.to_be_bytes());
        for value in values {
            let from = self.bytes.len();
            self.bytes.extend_from_slice(&[0; 4]);
            put(&mut self.bytes, value);
            self.patch(from);
        }
        self.patch(begin);
    }

    fn patch(&mut self, from: usize) {
        let length = i32::try_from(self.bytes.len() - from - 4).unwrap_or(i32::MAX);
        self.bytes[from..from + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// All of it.
    pub(super) fn finish(mut self) -> bytes::Bytes {
        self.bytes.extend_from_slice(END);
        self.bytes.into()
    }
}
