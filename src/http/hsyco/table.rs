//! What the route shows: each datapoint's value and the place in the feed at which it last became
//! another one. It is read from the feed once for all clients, when one of them asks.

use std::collections::{BTreeSet, HashMap};

use mainstem_model::{GlobSet, Quality, Value};
use mainstem_store::{Chunk, Delivery, Filter, Item, PointId, Progress, Reader, SourceId, Store};
use mainstem_wire::RowOut;

use super::text;

/// Rows that are taken over under one lock.
const ROWS_MAX: usize = 1024;
/// Stands for a change whose place is not known yet.
const PENDING: u64 = u64::MAX;

pub(super) struct Table {
    wanted: GlobSet,
    with_quality: bool,
    reader: Reader,
    chunk: Chunk,
    shown: HashMap<u32, Shown>,
    /// Datapoints in the order of their last change.
    recent: BTreeSet<(u64, u32)>,
    pending: Vec<u32>,
    /// Everything up to this entry of the feed is in here.
    place: u64,
}

struct Shown {
    name: String,
    value: Option<Value>,
    quality: Quality,
    changed: u64,
}

impl Table {
    pub(super) fn new(wanted: GlobSet, with_quality: bool) -> Self {
        Self {
            reader: snapshot(&wanted),
            wanted,
            with_quality,
            chunk: Chunk::default(),
            shown: HashMap::new(),
            recent: BTreeSet::new(),
            pending: Vec::new(),
            place: 0,
        }
    }

    /// Reads on in the feed for a moment. Returns the place once that is the head.
    pub(super) fn step(&mut self, store: &Store) -> Option<u64> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let progress = self.reader.read(store, &mut chunk, ROWS_MAX);
        self.take_in(store, &chunk);
        self.chunk = chunk;
        match progress {
            Progress::AtHead => Some(self.place),
            Progress::More => None,
            Progress::Expired => {
                // Nobody knows any more what was removed: begin again, and tell everything again.
                self.reader = snapshot(&self.wanted);
                self.shown.clear();
                self.recent.clear();
                self.pending.clear();
                None
            }
        }
    }

    /// Datapoints that have a value and changed behind a place; all of them without a place.
    pub(super) fn changed(&self, since: Option<u64>) -> Vec<u32> {
        let from = since.map_or(0, |place| place.saturating_add(1));
        self.recent.range((from, 0)..).map(|(_, id)| *id).collect()
    }

    /// Appends `"name": "text"` for each of the datapoints that is still there, with commas
    /// between and, unless it is the first, before them. Returns whether anything was written.
    pub(super) fn write(&self, ids: &[u32], first: bool, store: &Store, out: &mut Vec<u8>) -> bool {
        let mut wrote = false;
        for shown in ids.iter().filter_map(|id| self.shown.get(id)) {
            let Some(value) = &shown.value else { continue };
            let mut member = |name: &str, text: &str| {
                if wrote || !first {
                    out.push(b',');
                }
                wrote = true;
                quoted(name, out);
                out.extend_from_slice(b": ");
                quoted(text, out);
            };
            member(&shown.name, &text::text(value));
            if self.with_quality {
                let name = format!("{}.quality", shown.name);
                // A real datapoint of that name goes before ours.
                if store.point(&name).is_none() {
                    member(&name, text::quality(shown.quality));
                }
            }
        }
        wrote
    }

    fn take_in(&mut self, store: &Store, chunk: &Chunk) {
        let (mut sources, mut rows, mut end) = (Vec::new(), chunk.rows.iter(), chunk.bookmark);
        for item in &chunk.items {
            match item {
                Item::Define(frame) => self.define(frame.id, &frame.name),
                Item::Remove(id) => self.forget(*id),
                Item::Rows { count, .. } => {
                    rows.by_ref()
                        .take(*count)
                        .for_each(|row| self.row(store, row));
                }
                Item::Source(frame) => sources.push(SourceId(frame.id)),
                Item::Status(frame) => sources.push(SourceId(frame.id)),
                Item::End(place) => end = Some(*place),
                Item::Gone(_) | Item::Gap(_) | Item::Alias(_) | Item::Event(_) => {}
            }
        }
        if self.with_quality && !sources.is_empty() && !self.shown.is_empty() {
            self.qualities_below(store, &sources);
        }
        if let Some(place) = end {
            self.settle(place);
        }
    }

    fn define(&mut self, id: u32, name: &str) {
        self.forget(id);
        let shown = Shown {
            name: name.to_owned(),
            value: None,
            quality: Quality::default(),
            changed: PENDING,
        };
        self.shown.insert(id, shown);
    }

    fn forget(&mut self, id: u32) {
        if let Some(shown) = self.shown.remove(&id) {
            self.recent.remove(&(shown.changed, id));
        }
    }

    fn row(&mut self, store: &Store, row: &RowOut) {
        let Some(shown) = self.shown.get_mut(&row.id) else {
            return;
        };
        let is_new = row.value.is_some() && row.value != shown.value;
        if is_new {
            shown.value.clone_from(&row.value);
        }
        if is_new | (self.with_quality && self.refresh_quality(store, row.id)) {
            self.touch(row.id);
        }
    }

    fn refresh_quality(&mut self, store: &Store, id: u32) -> bool {
        let (Some(shown), Some(view)) = (self.shown.get_mut(&id), store.point_by_id(PointId(id)))
        else {
            return false;
        };
        let is_new = text::quality(shown.quality) != text::quality(view.quality);
        shown.quality = view.quality;
        is_new
    }

    fn qualities_below(&mut self, store: &Store, sources: &[SourceId]) {
        let mut all: Vec<SourceId> = sources.iter().flat_map(|&id| store.subtree(id)).collect();
        all.sort_unstable();
        all.dedup();
        for PointId(id) in store.points_below(&all) {
            if self.refresh_quality(store, id) {
                self.touch(id);
            }
        }
    }

    fn touch(&mut self, id: u32) {
        let Some(shown) = self.shown.get_mut(&id) else {
            return;
        };
        if shown.changed != PENDING {
            self.recent.remove(&(shown.changed, id));
            shown.changed = PENDING;
        }
        self.pending.push(id);
    }

    /// What changed since the last place changed at this one, as far as clients are concerned.
    fn settle(&mut self, place: u64) {
        self.place = place;
        for id in self.pending.drain(..) {
            if let Some(shown) = self.shown.get_mut(&id).filter(|s| s.changed == PENDING)
                && shown.value.is_some()
            {
                shown.changed = place;
                self.recent.insert((place, id));
            }
        }
    }
}

fn snapshot(wanted: &GlobSet) -> Reader {
    let filter = Filter::new(GlobSet::everything(), wanted.clone());
    Reader::snapshot(filter, Delivery::Latest)
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    // A string always serializes, and a Vec takes every byte.
    drop(serde_json::to_writer(out, text));
}
