//! Writes frames. Rows go into one reused buffer without any document in between.

use mainstem_model::{Timestamp, Value};
use serde::Serialize;

use crate::value_json::write_value;
use crate::{AliasFrame, DefineFrame, EventFrame, GapFrame, HelloFrame, SourceFrame, StatusFrame};

/// One row to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct RowOut {
    /// The datapoint's number at the speaker.
    pub id: u32,
    /// Grade and reason as one number, 0 is good.
    pub quality: u16,
    /// The epoch counter of its origin, where it is not the one that its source was told with.
    pub epoch: Option<u32>,
    /// Its number in the feed of its origin.
    pub origin: u64,
    /// Source time in microseconds.
    pub time: i64,
    /// The value; `None` while there has been none.
    pub value: Option<Value>,
}

/// Writes lines into a buffer that the caller empties.
#[derive(Debug, Default)]
pub struct FrameWriter {
    /// The lines so far.
    pub buffer: Vec<u8>,
}

impl FrameWriter {
    /// `{"hello":…}`.
    pub fn hello(&mut self, hello: &HelloFrame) {
        self.member("hello", hello);
    }

    /// `{"source":…}`.
    pub fn source(&mut self, source: &SourceFrame) {
        self.member("source", source);
    }

    /// `{"status":…}`.
    pub fn status(&mut self, status: &StatusFrame) {
        self.member("status", status);
    }

    /// `{"define":[…]}`.
    pub fn define(&mut self, definitions: &[DefineFrame]) {
        self.member("define", definitions);
    }

    /// `{"alias":[…]}`.
    pub fn alias(&mut self, aliases: &[AliasFrame]) {
        self.member("alias", aliases);
    }

    /// `{"remove":[ids]}`.
    pub fn remove(&mut self, ids: &[u32]) {
        self.member("remove", ids);
    }

    /// `{"gone":[source ids]}`.
    pub fn gone(&mut self, sources: &[u32]) {
        self.member("gone", sources);
    }

    /// `{"event":…}`.
    pub fn event(&mut self, event: &EventFrame) {
        self.member("event", event);
    }

    /// `{"gap":…}`.
    pub fn gap(&mut self, gap: GapFrame) {
        self.member("gap", &gap);
    }

    /// `{"s":…}`: everything up to this entry was told.
    pub fn bookmark(&mut self, sequence: u64) {
        self.buffer.extend_from_slice(b"{\"s\":");
        self.integer(sequence);
        self.buffer.extend_from_slice(b"}\n");
    }

    /// `{"end":true,"s":…}`: the snapshot is complete.
    pub fn snapshot_end(&mut self, sequence: u64) {
        self.buffer.extend_from_slice(b"{\"end\":true,\"s\":");
        self.integer(sequence);
        self.buffer.extend_from_slice(b"}\n");
    }

    /// `{"t":…,"o":…,"r":[[id,dt,value],…],"s":…}`: rows in order. `dt` is the source time relative
    /// to the row before (`t` for the first), in microseconds. A row goes on with its quality where
    /// that is not good, with its origin number where that is not one more than the row before (`o`
    /// for the first), and with its origin's epoch counter where that is not its source's.
    pub fn rows(&mut self, rows: &[RowOut], catchup: bool, sequence: Option<u64>) {
        let Some(first) = rows.first() else { return };
        self.buffer.extend_from_slice(b"{\"t\":");
        self.signed(first.time);
        self.buffer.extend_from_slice(b",\"o\":");
        self.integer(first.origin);
        if catchup {
            self.buffer.extend_from_slice(b",\"c\":1");
        }
        self.buffer.extend_from_slice(b",\"r\":[");
        let (mut time, mut origin) = (first.time, first.origin);
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.buffer.push(b',');
            }
            self.row(row, time, origin);
            time = row.time;
            origin = row.origin.wrapping_add(1);
        }
        self.buffer.push(b']');
        if let Some(sequence) = sequence {
            self.buffer.extend_from_slice(b",\"s\":");
            self.integer(sequence);
        }
        self.buffer.extend_from_slice(b"}\n");
    }

    fn row(&mut self, row: &RowOut, time: i64, origin: u64) {
        self.buffer.push(b'[');
        self.integer(u64::from(row.id));
        self.buffer.push(b',');
        self.signed(row.time.wrapping_sub(time));
        self.buffer.push(b',');
        match &row.value {
            Some(value) => write_value(value, &mut self.buffer),
            None => self.buffer.extend_from_slice(b"null"),
        }
        let stamped = row.origin != origin || row.epoch.is_some();
        if row.quality != 0 || stamped {
            self.buffer.push(b',');
            self.integer(u64::from(row.quality));
        }
        if stamped {
            self.buffer.push(b',');
            self.integer(row.origin);
        }
        if let Some(epoch) = row.epoch {
            self.buffer.push(b',');
            self.integer(u64::from(epoch));
        }
        self.buffer.push(b']');
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, content: &T) {
        self.buffer.extend_from_slice(b"{\"");
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b"\":");
        // These types always serialize, and a Vec takes every byte.
        drop(serde_json::to_writer(&mut self.buffer, content));
        self.buffer.extend_from_slice(b"}\n");
    }

    fn integer(&mut self, number: u64) {
        self.buffer
            .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn signed(&mut self, number: i64) {
        self.buffer
            .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}

impl RowOut {
    /// The source time as a moment.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_micros(self.time)
    }
}
