//! A checkpoint: the frames of a snapshot, plus how far each link was applied. What the numbers
//! of a slot say makes replaying idempotent, so a checkpoint need not be of one moment.

use std::collections::HashMap;

use mainstem_model::{Name, NodeId, Quality, Reason, SourceStatus, Timestamp};
use mainstem_wire::{
    Cursor, DefineFrame, FrameWriter, Line, RowOut, SourceFrame, decode_line, decode_row,
    parse_value,
};
use serde::{Deserialize, Serialize};

use crate::catalogue::{Point, Slot};
use crate::log::Entry;
use crate::state::State;
use crate::{NewSource, PointId, SourceId, Store};

/// The version of the checkpoint's layout; another one is not read.
const VERSION: u32 = 1;
/// Datapoints written under one lock.
const STEP: u32 = 2048;

/// Why a checkpoint cannot be used. The node then starts without it.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Its first line is not that of a checkpoint of this version.
    #[error("not a checkpoint of this version")]
    Version,
    /// It is of another node.
    #[error("the checkpoint is of another node, {0}")]
    OtherNode(NodeId),
    /// A line cannot be read.
    #[error("line {0} of the checkpoint cannot be read")]
    Line(usize),
}

#[derive(Serialize, Deserialize)]
struct Header {
    checkpoint: u32,
    node: NodeId,
    /// Links: source number and cursor.
    links: Vec<(u32, String)>,
}

/// What the neighbour's numbers are: lines beside the frames of a snapshot.
#[derive(Serialize, Deserialize, Default)]
struct RemoteIds {
    #[serde(default)]
    remote_sources: Vec<(u32, u32)>,
    #[serde(default)]
    remote_points: Vec<(u32, u32)>,
}

impl Store {
    /// Writes a checkpoint. Takes the lock in short steps.
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut writer = FrameWriter::default();
        let bound = self.read(|state| {
            // Cursors first: what is applied after this moment is replayed and dropped again.
            write_line(&mut writer, &header(state));
            write_sources(state, &mut writer);
            state.catalogue.bound()
        });
        let mut from = 0;
        while from < bound {
            self.read(|state| write_points(state, &mut writer, from));
            from += STEP;
        }
        writer.buffer
    }

    /// Fills an empty store from a checkpoint. Everything is uncertain until its source vouches.
    pub fn restore(&self, bytes: &[u8]) -> Result<(), RestoreError> {
        let mut lines = bytes.split(|&byte| byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let header: Header = serde_json::from_slice(first).map_err(|_| RestoreError::Version)?;
        if header.checkpoint != VERSION {
            return Err(RestoreError::Version);
        }
        if header.node != self.setup().node {
            return Err(RestoreError::OtherNode(header.node));
        }
        self.change(|state, at| {
            let mut restorer = Restorer { state, now: at.wall, ..Restorer::empty(state_epoch(self)) };
            for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
                restorer.line(line).ok_or(RestoreError::Line(index + 2))?;
            }
            restorer.links(&header.links);
            Ok(())
        })
    }
}
