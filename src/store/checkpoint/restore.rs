//! A store filled from a checkpoint: what it held, and how far that is still vouched for.

use std::collections::HashMap;

use mainstem_model::{Monotonic, Name, NodeId, Quality, Reason, SourceStatus, Timestamp};
use mainstem_wire::{Cursor, DefineFrame, Line, SourceFrame, decode_line, decode_row, parse_value};

use super::{Header, RemoteIds, VERSION};
use crate::catalogue::{Point, Slot};
use crate::log::Entry;
use crate::state::State;
use crate::{NewSource, PointId, SourceId, Store};

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

impl Store {
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

/// Builds the state from lines. Numbers of sources are mapped to fresh ones; datapoints keep theirs.
pub(super) struct Restorer<'a> {
    pub(super) state: &'a mut State,
    now: Timestamp,
    pub(super) sources: HashMap<u32, SourceId>,
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
