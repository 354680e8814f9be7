//! Rows of one series as pieces: what one row of the table `piece` holds. Pure.
//!
//! All rows of a piece have the same kind of value and the same quality, and lie in the same slice
//! of time and of numbers. So nothing in an array is null, the quality costs nothing, and whoever
//! wants a span of times or of numbers finds its pieces by where they begin, whatever came late.

use std::collections::HashMap;

use crate::{Logged, Row};

/// The width of a slice of time, in microseconds. It divides an hour.
pub(super) const SLICE: i64 = 600_000_000;
/// The width of a slice of row numbers.
pub(super) const NUMBERS: u64 = 4096;

/// What all rows of a piece share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Alike {
    pub(super) slice: i64,
    pub(super) numbers: u64,
    pub(super) kind: i16,
    pub(super) quality: u16,
    pub(super) received: bool,
}

/// A piece: rows in the order in which they came.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) alike: Alike,
    pub(super) rows: Vec<&'a Row>,
}

/// The number that stands for a kind of value in the table.
pub(super) fn kind(value: &Logged) -> i16 {
    match value {
        Logged::None => 0,
        Logged::Number(_) => 1,
        Logged::Integer(_) => 2,
        Logged::Bool(_) => 3,
        Logged::Text(_) => 4,
        Logged::Edit(_) => super::edited::KIND,
    }
}

fn alike(row: &Row) -> Alike {
    Alike {
        slice: row.time.div_euclid(SLICE),
        numbers: row.row / NUMBERS,
        kind: kind(&row.value),
        quality: row.quality,
        received: row.received.is_some(),
    }
}

/// Cuts rows of one series into pieces.
pub(super) fn cut(rows: &[Row]) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut places: HashMap<Alike, usize> = HashMap::new();
    let mut current = None;
    for row in rows {
        let alike = alike(row);
        let place = match current {
            // Nearly every row goes where the one before it went.
            Some((same, place)) if same == alike => place,
            _ => *places.entry(alike).or_insert_with(|| {
                let rows = Vec::new();
                pieces.push(Piece { alike, rows });
                pieces.len() - 1
            }),
        };
        current = Some((alike, place));
        pieces[place].rows.push(row);
    }
    pieces
}

impl Piece<'_> {
    /// The oldest and newest time.
    pub(super) fn times(&self) -> (i64, i64) {
        let mut span = (i64::MAX, i64::MIN);
        for row in &self.rows {
            span = (span.0.min(row.time), span.1.max(row.time));
        }
        span
    }

    /// The lowest and highest number.
    pub(super) fn numbers(&self) -> (u64, u64) {
        let mut span = (u64::MAX, 0);
        for row in &self.rows {
            span = (span.0.min(row.row), span.1.max(row.row));
        }
        span
    }

    /// Whether the numbers follow each other, so that the lowest says all of them.
    pub(super) fn is_dense(&self) -> bool {
        let mut pairs = self.rows.windows(2);
        pairs.all(|pair| pair[0].row + 1 == pair[1].row)
    }
}
