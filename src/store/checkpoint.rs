//! A checkpoint: the frames of a snapshot, plus how far each link was applied. What the numbers
//! of a slot say makes replaying idempotent, so a checkpoint need not be of one moment.

mod names;
mod restore;

pub use restore::RestoreError;

use mainstem_model::NodeId;
use mainstem_wire::{DefineFrame, Epoch, FrameWriter, RowOut};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::state::State;

/// The version of the checkpoint's layout; another one is not read.
const VERSION: u32 = 1;
/// Datapoints written under one lock.
const STEP: u32 = 2048;

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
    /// Epochs as the neighbour told them, where they are others here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remote_epochs: Vec<(u32, Epoch)>,
    #[serde(default)]
    remote_points: Vec<(u32, u32)>,
    /// What links told about old names: the link, the old name, the new one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remote_aliases: Vec<(u32, String, String)>,
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
        let mut last = self.read(|state| state.write_variables(&mut writer, None));
        while last.is_some() {
            last = self.read(|state| state.write_variables(&mut writer, last.as_ref()));
        }
        writer.buffer
    }
}

fn header(state: &State) -> Header {
    let links = state
        .cursors
        .iter()
        .map(|(source, cursor)| (source.0, cursor.to_string()));
    Header {
        checkpoint: VERSION,
        node: state.node,
        links: links.collect(),
    }
}

fn write_line<T: Serialize>(writer: &mut FrameWriter, line: &T) {
    // These types always serialize, and a Vec takes every byte.
    drop(serde_json::to_writer(&mut writer.buffer, line));
    writer.buffer.push(b'\n');
}

fn write_sources(state: &State, writer: &mut FrameWriter) {
    let mut remote = RemoteIds::default();
    for (id, source) in state.sources.iter() {
        writer.source(&source.frame(id));
        remote
            .remote_sources
            .extend(source.remote_id.map(|remote_id| (id.0, remote_id)));
        let is_other = source.remote_id.is_some() && source.told != source.epoch;
        remote
            .remote_epochs
            .extend(is_other.then_some((id.0, source.told)));
    }
    let linked = state.aliases.iter().filter_map(|(from, known)| {
        let link = known.via?.0;
        Some((link, from.to_string(), known.to.to_string()))
    });
    remote.remote_aliases = linked.collect();
    write_line(writer, &remote);
}

fn write_points(state: &State, writer: &mut FrameWriter, from: u32) {
    let (mut definitions, mut rows, mut remote) = (Vec::new(), Vec::new(), RemoteIds::default());
    let step = state
        .catalogue
        .ids_from(from)
        .take_while(|(id, _)| id.0 < from + STEP);
    for (id, point) in step {
        let (name, source) = (point.name.as_str(), Some(point.source.0));
        definitions.push(DefineFrame::new(id.0, name, source, &point.definition));
        remote
            .remote_points
            .extend(point.remote_id.map(|remote_id| (id.0, remote_id)));
        if point.slot.sequence > 0 {
            rows.push(RowOut {
                id: id.0,
                quality: point.slot.quality.code(),
                epoch: Some(point.slot.origin_epoch),
                origin: point.slot.origin,
                time: point.slot.source_time.micros(),
                value: point.slot.value.clone(),
            });
        }
    }
    if !definitions.is_empty() {
        writer.define(&definitions);
        write_line(writer, &remote);
        writer.rows(&rows, true, None);
    }
}
