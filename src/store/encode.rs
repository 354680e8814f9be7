//! A chunk as frames.

use mainstem_wire::{DEFINES_PER_FRAME_MAX, DefineFrame, FrameWriter, ROWS_PER_FRAME_MAX, RowOut};

use crate::{Chunk, Item};

/// Writes a chunk as lines. Its bookmark goes with the last frame of rows where it can, so that a
/// reader's place moves without a line of its own.
pub fn encode_chunk(chunk: &Chunk, writer: &mut FrameWriter) {
    let mut rest: &[RowOut] = &chunk.rows;
    let mut definitions: Vec<DefineFrame> = Vec::new();
    let mut removed: Vec<u32> = Vec::new();
    let mut told = false;
    for (index, item) in chunk.items.iter().enumerate() {
        if !matches!(item, Item::Define(_)) || definitions.len() >= DEFINES_PER_FRAME_MAX {
            flush(&mut definitions, |frames| writer.define(frames));
        }
        if !matches!(item, Item::Remove(_)) {
            flush(&mut removed, |ids| writer.remove(ids));
        }
        match item {
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
            Item::Gap(gap) => writer.gap(*gap),
            Item::End(sequence) => writer.snapshot_end(*sequence),
        }
    }
    flush(&mut definitions, |frames| writer.define(frames));
    flush(&mut removed, |ids| writer.remove(ids));
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

fn write_rows(rows: &[RowOut], catchup: bool, bookmark: Option<u64>, writer: &mut FrameWriter) {
    let frames = rows.chunks(ROWS_PER_FRAME_MAX);
    let last = frames.len().saturating_sub(1);
    for (index, frame) in frames.enumerate() {
        writer.rows(frame, catchup, bookmark.filter(|_| index == last));
    }
}
