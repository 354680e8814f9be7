//! What the hours of a series come to: two levels that hold the same rows have the same sums,
//! whatever files, blocks or tables the rows lie in.

use crate::{Logged, Row, Samples, SinkError};

/// The width of an hour of sums, in microseconds. They are hours of UTC, so that they are the same
/// at every level.
pub const SUM_HOUR: i64 = 3_600_000_000;

/// What one hour comes to. Superseded rows and the edits themselves are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct HourSum {
    /// Its beginning, in microseconds.
    pub start: i64,
    /// Rows in it.
    pub count: u64,
    /// The hashes of its rows added up: their order does not matter, and sums of parts add up.
    pub hash: u64,
}

impl HourSum {
    /// Of nothing.
    pub fn empty(start: i64) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// The beginning of the hour of a moment.
    pub fn start_of(time: i64) -> i64 {
        let into = time.rem_euclid(SUM_HOUR);
        time.saturating_sub(into)
    }

    /// Adds a row.
    pub fn add(&mut self, row: &Row) {
        self.count += 1;
        self.hash = self.hash.wrapping_add(row_hash(row));
    }

    /// Adds other rows of the same hour.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

/// A row as a number: everything of it but the series, whose number means nothing elsewhere.
pub fn row_hash(row: &Row) -> u64 {
    let mut state = step(0, row.row);
    state = step(state, row.time.cast_unsigned());
    state = match row.received {
        None => step(state, 0),
        Some(received) => step(step(state, 1), received.cast_unsigned()),
    };
    state = step(state, u64::from(row.quality));
    match &row.value {
        Logged::None => step(state, 0),
        Logged::Number(number) => step(step(state, 1), number.to_bits()),
        Logged::Integer(integer) => step(step(state, 2), integer.cast_unsigned()),
        Logged::Bool(truth) => step(step(state, 3), u64::from(*truth)),
        Logged::Text(text) => text_hash(step(state, 4), text),
        Logged::Edit(edit) => {
            let state = step(step(state, 5), edit.to.cast_unsigned());
            text_hash(state, &edit.note)
        }
    }
}

fn text_hash(mut state: u64, text: &str) -> u64 {
    for piece in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..piece.len()].copy_from_slice(piece);
        state = step(state, u64::from_le_bytes(word));
    }
    step(state, text.len() as u64)
}

/// One round of splitmix64. The numbers are part of the protocol between levels: never change them.
fn step(state: u64, word: u64) -> u64 {
    let mut state = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// Sums of rows that come in the order of their times, hour by hour; hours without rows are left
/// out.
pub struct Summing {
    rows: Samples,
    open: Option<HourSum>,
}

impl Summing {
    /// Over such rows.
    pub fn new(rows: Samples) -> Self {
        Self { rows, open: None }
    }
}

impl Iterator for Summing {
    type Item = Result<HourSum, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        for row in self.rows.by_ref() {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    self.open = None;
                    return Some(Err(error));
                }
            };
            let start = HourSum::start_of(row.time);
            let sum = self.open.get_or_insert_with(|| HourSum::empty(start));
            if sum.start == start {
                sum.add(&row);
                continue;
            }
            let mut next = HourSum::empty(start);
            next.add(&row);
            return self.open.replace(next).map(Ok);
        }
        self.open.take().map(Ok)
    }
}
