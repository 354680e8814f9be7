//! A chunk as frames.

use mainstem_model::Value;
use mainstem_wire::{
    ALIASES_PER_FRAME_MAX, AliasFrame, DEFINES_PER_FRAME_MAX, DefineFrame, FrameWriter,
    LINE_BYTES_MAX, ROWS_PER_FRAME_MAX, RowOut,
};

use crate::{Chunk, Item};

/// Bytes of a row beside what its value keeps on the heap, at the most.
const ROW_BYTES: usize = 160;
/// What one byte of a text can become in JSON.
const ESCAPED: usize = 6;

/// Writes a chunk as lines. Its bookmark goes with the last frame of rows where it can, so that a
/// reader's place moves without a line of its own.
pub fn encode_chunk(chunk: &Chunk, writer: &mut FrameWriter) {
    let mut rest: &[RowOut] = &chunk.rows;
    let mut definitions: Vec<DefineFrame> = Vec::new();
    let mut removed: Vec<u32> = Vec::new();
    let mut aliases: Vec<AliasFrame> = Vec::new();
    let mut told = false;
    for (index, item) in chunk.items.iter().enumerate() {
        if !matches!(item, Item::Define(_)) || definitions.len() >= DEFINES_PER_FRAME_MAX {
            flush(&mut definitions, |frames| writer.define(frames));
        }
        if !matches!(item, Item::Remove(_)) {
            flush(&mut removed, |ids| writer.remove(ids));
        }
        if !matches!(item, Item::Alias(_)) || aliases.len() >= ALIASES_PER_FRAME_MAX {
            flush(&mut aliases, |frames| writer.alias(frames));
        }
        match item {
            Item::Alias(frame) => aliases.push(frame.clone()),
            Item::Define(frame) => definitions.push(frame.clone()),
            Item::Remove(id) => removed.push(*id),
            Item::Rows { count, catchup } => {
                let (rows, behind) = rest.split_at(*count);
                rest = behind;
                let bookmark = chunk.bookmark.filter(|_| index + 1 == chunk.items.len());
                told = bookmark.is_some();
                write_rows(rows, *catchup, bookmark, writer);
            }
            Item::Source(frame) => writer.source(frame),
            Item::Status(frame) => writer.status(frame),
            Item::Gone(id) => writer.gone(&[*id]),
            Item::Event(event) => writer.event(&event.frame(chunk.now)),
            Item::Gap(gap) => writer.gap(*gap),
            Item::End(sequence) => writer.snapshot_end(*sequence),
        }
    }
    flush(&mut definitions, |frames| writer.define(frames));
    flush(&mut removed, |ids| writer.remove(ids));
    flush(&mut aliases, |frames| writer.alias(frames));
    if let Some(sequence) = chunk.bookmark.filter(|_| !told) {
        writer.bookmark(sequence);
    }
}

fn flush<T>(waiting: &mut Vec<T>, write: impl FnOnce(&[T])) {
    if !waiting.is_empty() {
        write(waiting);
        waiting.clear();
    }
}

fn write_rows(mut rows: &[RowOut], catchup: bool, bookmark: Option<u64>, writer: &mut FrameWriter) {
    while !rows.is_empty() {
        let (frame, rest) = rows.split_at(frame_rows(rows));
        writer.rows(frame, catchup, bookmark.filter(|_| rest.is_empty()));
        rows = rest;
    }
}

/// How many rows one frame takes: a reader ends a stream at a line that is too long.
fn frame_rows(rows: &[RowOut]) -> usize {
    let weight = |row: &RowOut| {
        let value = row.value.as_ref().map_or(0, Value::heap_bytes);
        ROW_BYTES + value * ESCAPED
    };
    let mut bytes = 0;
    let fitting = rows.iter().take(ROWS_PER_FRAME_MAX).take_while(|row| {
        bytes += weight(row);
        bytes <= LINE_BYTES_MAX
    });
    // One value alone always fits.
    fitting.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_too_long_for_a_reader() {
        let value = Value::text(&"\u{1}".repeat(mainstem_model::limits::VALUE_BYTES_MAX));
        let row = |id: u32| RowOut {
            id,
            quality: 0,
            epoch: None,
            origin: u64::from(id),
            time: 0,
            value: Some(value.clone()),
        };
        let rows: Vec<RowOut> = (0..7).map(row).collect();
        let mut writer = FrameWriter::default();
        write_rows(&rows, false, Some(9), &mut writer);
        let lines: Vec<&[u8]> = writer.buffer.split(|&byte| byte == b'\n').collect();
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES_MAX));
        assert_eq!(lines.len(), 5);
        let told = lines
            .iter()
            .filter(|line| line.ends_with(b",\"s\":9}"))
            .count();
        assert_eq!(told, 1);
    }
}
