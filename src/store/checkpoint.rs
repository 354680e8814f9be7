//! A checkpoint: the frames of a snapshot, plus how far each link was applied. What the numbers
//! of a slot say makes replaying idempotent, so a checkpoint need not be of one moment.

mod names;

use std::collections::HashMap;

use mainstem_model::{Monotonic, Name, NodeId, Quality, Reason, SourceStatus, Timestamp};
use mainstem_wire::{
    Cursor, DefineFrame, Epoch, FrameWriter, Line, RowOut, SourceFrame, decode_line, decode_row,
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
            let mut restorer = Restorer::new(state, at.wall);
            for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
                restorer.line(line).ok_or(RestoreError::Line(index + 2))?;
            }
            restorer.links(&header.links);
            restorer.rename(&self.setup().name);
            state.catalogue.free_unused();
            Ok(())
        })
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

/// Builds the state from lines. Numbers of sources are mapped to fresh ones; datapoints keep theirs.
struct Restorer<'a> {
    state: &'a mut State,
    now: Timestamp,
    sources: HashMap<u32, SourceId>,
    points: HashMap<u32, PointId>,
}

impl<'a> Restorer<'a> {
    fn new(state: &'a mut State, now: Timestamp) -> Self {
        Self {
            state,
            now,
            sources: HashMap::new(),
            points: HashMap::new(),
        }
    }

    fn line(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.starts_with(b"{\"remote_") {
            self.remote_ids(&serde_json::from_slice(bytes).ok()?);
            return Some(());
        }
        let line = decode_line(bytes).ok()?;
        if let Some(source) = &line.source {
            self.source(source)?;
        }
        for definition in &line.define {
            self.define(definition)?;
        }
        self.rows(&line);
        for variable in &line.variable {
            let source = *self.sources.get(&variable.source?)?;
            self.state.restore_variable(source, variable, self.now)?;
        }
        Some(())
    }

    fn source(&mut self, frame: &SourceFrame) -> Option<()> {
        let parent = match frame.parent {
            Some(parent) => Some(*self.sources.get(&parent)?),
            None => None,
        };
        let new = NewSource {
            parent,
            node: frame.node,
            name: frame.name.as_str().into(),
            role: frame.role,
            epoch: frame.epoch,
            quality: Quality {
                status: frame.status,
                reason: frame.reason,
            },
            complete: frame.complete,
            remote_id: None,
        };
        let at = self.state.log.next();
        let id = self.state.sources.add(new, frame.since, at);
        self.state.log.push(Entry::Source(id));
        self.sources.insert(frame.id, id);
        Some(())
    }

    fn define(&mut self, frame: &DefineFrame) -> Option<()> {
        let source = *self.sources.get(&frame.source?)?;
        let name = Name::new(&frame.name).ok()?;
        let definition = self.state.catalogue.intern(frame.definition());
        let slot = Slot::empty(Quality::of(Reason::Waiting), self.now);
        let defined = self.state.log.next();
        let point = Point {
            name,
            source,
            definition,
            defined,
            remote_id: None,
            slot,
        };
        // A reader above that has the same need not be told the numbers anew.
        let id = self.state.catalogue.insert_at(PointId(frame.id), point);
        if let Some(source) = self.state.sources.get_mut(source) {
            source.points += 1;
        }
        self.state.log.push(Entry::Define(id));
        self.points.insert(frame.id, id);
        Some(())
    }

    fn rows(&mut self, line: &Line<'_>) {
        for (row, time, origin) in decode_row(line) {
            let Some(&id) = self.points.get(&row.id) else {
                continue;
            };
            let Some(point) = self.state.catalogue.get_mut(id) else {
                continue;
            };
            let value_type = point.definition.value_type;
            point.slot = Slot {
                value: parse_value(row.value, value_type).ok(),
                source_time: Timestamp::from_micros(time),
                // When it was received is not kept; it cannot have been before its source time.
                received: Timestamp::from_micros(time).min(self.now),
                sequence: self.state.log.next(),
                origin,
                origin_epoch: row.epoch.unwrap_or(0),
                quality: Quality::from_code(row.quality),
                since: self.now,
            };
            let entry = crate::apply::entry_of(id, &point.slot, true);
            self.state.log.push(Entry::Sample(entry));
        }
    }

    fn remote_ids(&mut self, ids: &RemoteIds) {
        self.aliases(ids);
        for (id, remote_id) in &ids.remote_sources {
            if let Some(source) = self
                .sources
                .get(id)
                .and_then(|id| self.state.sources.get_mut(*id))
            {
                source.remote_id = Some(*remote_id);
            }
        }
        for (id, told) in &ids.remote_epochs {
            let source = self.sources.get(id);
            if let Some(source) = source.and_then(|id| self.state.sources.get_mut(*id)) {
                source.told = *told;
            }
        }
        for (id, remote_id) in &ids.remote_points {
            if let Some(point) = self
                .points
                .get(id)
                .and_then(|id| self.state.catalogue.get_mut(*id))
            {
                point.remote_id = Some(*remote_id);
            }
        }
    }

    /// What is here of this node itself, and each link as a whole, is not vouched for any more.
    /// Below a link the states stay as the neighbour told them: the link's own covers them.
    fn links(&mut self, links: &[(u32, String)]) {
        for (id, cursor) in links {
            if let (Some(source), Ok(cursor)) = (self.sources.get(id), cursor.parse::<Cursor>()) {
                self.state.cursors.insert(*source, cursor);
            }
        }
        let restarted = Quality::of(Reason::Restarted);
        let status = SourceStatus {
            quality: restarted,
            since: self.now,
        };
        let (node, epoch) = (self.state.node, self.state.epoch);
        let own: Vec<SourceId> = self
            .state
            .sources
            .iter()
            .filter(|(_, source)| source.remote_id.is_none() && source.node == node)
            .map(|(id, _)| id)
            .collect();
        for id in &own {
            let next = self.state.log.next();
            self.state
                .sources
                .set_own(*id, status, next, Monotonic::default());
            if let Some(source) = self.state.sources.get_mut(*id) {
                (source.epoch, source.epoch_since) = (epoch, next);
                source.complete = false;
            }
            self.state.log.push(Entry::Source(*id));
        }
        self.distrust_slots(&own);
        self.state.vouch_for_variables(&own);
    }

    /// A device's last value is good again only when the device said it again, point by point: a
    /// session that is up says nothing about a value that was not read yet.
    fn distrust_slots(&mut self, own: &[SourceId]) {
        for id in self.points.values() {
            if let Some(point) = self.state.catalogue.get_mut(*id)
                && own.contains(&point.source)
                && point.slot.quality.is_good()
            {
                point.slot.quality = Quality::of(Reason::Restarted);
            }
        }
    }
}
