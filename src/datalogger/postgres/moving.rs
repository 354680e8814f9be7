//! What one transaction stores: rows that the server does not have, as pieces.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::copy::Copy;
use super::partitions::Table;
use super::piece::cut;
use crate::numbers::Numbers;
use crate::sqlite::{Drained, Place};
use crate::{Row, SeriesId};

/// Bytes of a row on the wire, about.
const ROW_BYTES: usize = 28;

/// One transaction's worth.
#[derive(Debug)]
pub(super) struct Load {
    /// Pieces for `COPY`, and how many rows they hold.
    pub(super) copy: Bytes,
    pub(super) count: u64,
    /// By series: its number at the server, and the numbers of its rows that are stored now.
    pub(super) series: Vec<i32>,
    pub(super) watermarks: Vec<i64>,
    pub(super) numbers: Vec<Vec<u8>>,
    pub(super) added: Vec<i64>,
    /// The partitions that must be there.
    pub(super) partitions: BTreeSet<i64>,
    /// Up to where the spool is stored afterwards.
    pub(super) upto: Place,
    /// The newest row of each series in it.
    pub(super) lasts: Vec<Row>,
}

/// Makes a load of what was drained. `stored` is moved as if it were stored already: after a
/// failure it is read anew from the server.
pub(super) fn load(
    drained: Drained,
    ids: &HashMap<SeriesId, i32>,
    stored: &mut HashMap<SeriesId, Numbers>,
) -> Load {
    let mut copy = Copy::new(drained.count * ROW_BYTES + 64);
    let mut load = Load {
        copy: Bytes::new(),
        count: 0,
        series: Vec::new(),
        watermarks: Vec::new(),
        numbers: Vec::new(),
        added: Vec::new(),
        partitions: BTreeSet::new(),
        upto: drained.upto,
        lasts: Vec::new(),
    };
    let mut rows_of = drained.rows;
    for (series, numbers) in drained.numbers {
        let Some(id) = ids.get(&series) else { continue };
        let known = stored.entry(series).or_default();
        let mut rows = rows_of.remove(&series).unwrap_or_default();
        // Nearly always nothing of it is there yet.
        let (low, high) = ends(&numbers);
        let highest = known.ranges().last().map_or(0, |range| range.1);
        if low <= highest {
            if numbers
                .ranges()
                .iter()
                .all(|range| known.holds(range.0, range.1))
            {
                continue;
            }
            rows.retain(|row| !known.contains(row.row));
        }
        debug_assert!(low <= high);
        for piece in cut(&rows) {
            copy.put(*id, &piece);
            load.partitions
                .insert(Table::Piece.number_of(piece.times().0));
        }
        known.absorb(numbers.ranges());
        load.count += rows.len() as u64;
        load.series.push(*id);
        load.watermarks.push(known.watermark().cast_signed());
        load.numbers
            .push(known.to_bytes(SeriesId(id.cast_unsigned())));
        load.added
            .push(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        load.lasts
            .extend(rows.into_iter().max_by_key(|row| (row.time, row.row)));
    }
    load.copy = copy.finish();
    load
}

fn ends(numbers: &Numbers) -> (u64, u64) {
    let ranges = numbers.ranges();
    let low = ranges.first().map_or(0, |range| range.0);
    (low, ranges.last().map_or(0, |range| range.1))
}
