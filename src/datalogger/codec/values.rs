//! The column of values: which kind where, then each kind as a column of its own.

use std::collections::HashMap;
use std::sync::Arc;

use super::bytes::{Reader, put_varint};
use super::{Decoded, Malformed, floats, ints, runs};
use crate::{Edit, Logged, Row};

/// Bytes of one text.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 10;

/// The number that a kind of value has on disk.
pub(super) fn kind(value: &Logged) -> u8 {
    match value {
        Logged::None => 0,
        Logged::Number(_) => 1,
        Logged::Integer(_) => 2,
        Logged::Bool(_) => 3,
        Logged::Text(_) => 4,
        Logged::Edit(_) => 5,
    }
}

/// Appends the values of rows.
pub(super) fn put(out: &mut Vec<u8>, rows: &[Row]) {
    runs::put(out, rows.iter().map(|row| u64::from(kind(&row.value))));
    let (mut numbers, mut integers, mut bools) = (Vec::new(), Vec::new(), Vec::new());
    let (mut texts, mut places) = (Vec::new(), HashMap::new());
    let mut words: Vec<&str> = Vec::new();
    let mut edits = Vec::new();
    for row in rows {
        match &row.value {
            Logged::None => {}
            Logged::Number(number) => numbers.push(*number),
            Logged::Integer(integer) => integers.push(*integer),
            Logged::Bool(truth) => bools.push(i64::from(*truth)),
            Logged::Text(text) => {
                let place = *places.entry(&**text).or_insert_with(|| {
                    words.push(text);
                    words.len() as i64 - 1
                });
                texts.push(place);
            }
            Logged::Edit(edit) => edits.push(edit.to_text()),
        }
    }
    if !numbers.is_empty() {
        floats::put(out, &numbers);
    }
    for column in [&integers, &bools] {
        if !column.is_empty() {
            ints::put(out, column);
        }
    }
    if !texts.is_empty() {
        put_varint(out, words.len() as u64);
        for word in words {
            put_varint(out, word.len() as u64);
            out.extend_from_slice(word.as_bytes());
        }
        ints::put(out, &texts);
    }
    for edit in edits {
        put_varint(out, edit.len() as u64);
        out.extend_from_slice(edit.as_bytes());
    }
}

/// The columns of the kinds, read.
struct Columns {
    numbers: std::vec::IntoIter<f64>,
    integers: std::vec::IntoIter<i64>,
    bools: std::vec::IntoIter<i64>,
    texts: std::vec::IntoIter<i64>,
    words: Vec<Arc<str>>,
    edits: std::vec::IntoIter<Arc<Edit>>,
}

/// Reads `count` values and hands them over in their order.
pub(super) fn get(
    reader: &mut Reader<'_>,
    count: usize,
    mut each: impl FnMut(Logged),
) -> Decoded<()> {
    let kinds = runs::get(reader, count)?;
    let total = |kind: u64| {
        let runs = kinds.iter().filter(|run| run.0 == kind);
        runs.map(|run| run.1).sum::<usize>()
    };
    let mut columns = Columns::get(reader, [1, 2, 3, 4, 5].map(total))?;
    for (kind, length) in kinds {
        // The kind is chosen once a run, not once a value.
        match kind {
            0 => (0..length).for_each(|_| each(Logged::None)),
            1 => {
                let numbers = columns.numbers.by_ref().take(length);
                numbers.for_each(|number| each(Logged::Number(number)));
            }
            2 => {
                let integers = columns.integers.by_ref().take(length);
                integers.for_each(|integer| each(Logged::Integer(integer)));
            }
            3 => {
                let bools = columns.bools.by_ref().take(length);
                bools.for_each(|truth| each(Logged::Bool(truth != 0)));
            }
            4 => {
                for _ in 0..length {
                    each(Logged::Text(columns.text()?));
                }
            }
            5 => {
                for _ in 0..length {
                    each(Logged::Edit(columns.edits.next().ok_or(Malformed)?));
                }
            }
            _ => return Err(Malformed),
        }
    }
    Ok(())
}

impl Columns {
    fn get(reader: &mut Reader<'_>, totals: [usize; 5]) -> Decoded<Self> {
        let numbers = match totals[0] {
            0 => Vec::new(),
            count => floats::get(reader, count)?,
        };
        let mut integers = [Vec::new(), Vec::new()];
        for (column, count) in integers.iter_mut().zip(&totals[1..3]) {
            if *count > 0 {
                *column = ints::get(reader, *count)?;
            }
        }
        let [integers, bools] = integers;
        let (mut words, mut texts) = (Vec::new(), Vec::new());
        if totals[3] > 0 {
            for _ in 0..reader.count(totals[3])? {
                words.push(Arc::from(word(reader)?));
            }
            texts = ints::get(reader, totals[3])?;
        }
        let edits = (0..totals[4]).map(|_| Edit::from_text(word(reader)?).ok_or(Malformed));
        let edits = edits.collect::<Decoded<Vec<_>>>()?;
        Ok(Self {
            numbers: numbers.into_iter(),
            integers: integers.into_iter(),
            bools: bools.into_iter(),
            texts: texts.into_iter(),
            words,
            edits: edits.into_iter(),
        })
    }

    fn text(&mut self) -> Decoded<Arc<str>> {
        let place = self.texts.next().ok_or(Malformed)?;
        let place = usize::try_from(place).map_err(|_| Malformed)?;
        self.words.get(place).cloned().ok_or(Malformed)
    }
}

fn word<'a>(reader: &mut Reader<'a>) -> Decoded<&'a str> {
    let length = reader.count(TEXT_BYTES_MAX)?;
    std::str::from_utf8(reader.take(length)?).map_err(|_| Malformed)
}
