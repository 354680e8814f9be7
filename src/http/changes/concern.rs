//! Which datapoints a reader has to be told about, whatever happened: a sample, a definition, or
//! the state of a source that they hang on.

use std::collections::{HashSet, VecDeque};

use mainstem_model::Name;
use mainstem_store::{Chunk, Filter, Item, PointId, PointView, SourceId, Store};

/// What was read and is not told yet; each datapoint once. Its size is bounded by the number of
/// datapoints.
#[derive(Debug)]
pub(super) struct Concern {
    filter: Filter,
    points: VecDeque<PointId>,
    known: HashSet<PointId>,
    /// Names that are no more.
    pub(super) removed: Vec<Name>,
    /// Entries that the feed had forgotten.
    pub(super) gap: u64,
    /// In a snapshot every datapoint comes anyway, so its sources concern nobody.
    in_snapshot: bool,
    /// Everything up to this entry is in here or was told.
    pub(super) place: u64,
}

impl Concern {
    pub(super) fn new(filter: Filter, since: Option<u64>) -> Self {
        Self {
            filter,
            points: VecDeque::new(),
            known: HashSet::new(),
            removed: Vec::new(),
            gap: 0,
            in_snapshot: since.is_none(),
            place: since.unwrap_or(0),
        }
    }

    /// Takes in what one read gave.
    pub(super) fn take_in(&mut self, store: &Store, chunk: &Chunk) {
        let (mut sources, mut rows) = (Vec::new(), chunk.rows.iter());
        for item in &chunk.items {
            match item {
                Item::Rows { count, .. } => {
                    for row in rows.by_ref().take(*count) {
                        self.add(PointId(row.id));
                    }
                }
                Item::Define(frame) => self.add(PointId(frame.id)),
                Item::Remove(id) => self.remove(store, PointId(*id)),
                Item::Source(frame) if !self.in_snapshot => sources.push(SourceId(frame.id)),
                Item::Status(frame) => sources.push(SourceId(frame.id)),
                Item::Source(_) | Item::Gone(_) | Item::Alias(_) | Item::Event(_) => {}
                Item::Gap(gap) => self.gap += gap.count,
                Item::End(place) => {
                    self.in_snapshot = false;
                    self.place = *place;
                }
            }
        }
        self.below(store, &sources);
        if let Some(place) = chunk.bookmark {
            self.place = place;
        }
    }

    /// How many datapoints wait to be told.
    pub(super) fn waiting(&self) -> usize {
        self.points.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.removed.is_empty() && self.gap == 0
    }

    /// Takes out some datapoints as they are now. Those that are gone meanwhile are told as
    /// removed by what comes next.
    pub(super) fn some(&mut self, store: &Store, most: usize) -> Vec<PointView> {
        let taken = self.points.drain(..most.min(self.points.len()));
        let views = taken.filter_map(|id| {
            self.known.remove(&id);
            store.point_by_id(id)
        });
        views.collect()
    }

    fn add(&mut self, id: PointId) {
        if self.known.insert(id) {
            self.points.push_back(id);
        }
    }

    fn remove(&mut self, store: &Store, id: PointId) {
        let name = store.removed_name(id);
        // Another definition has another number: the name may live on.
        let gone = name.filter(|name| store.point(name.as_str()).is_none());
        let gone = gone.filter(|name| store.passes(&self.filter, name));
        self.removed.extend(gone);
    }

    fn below(&mut self, store: &Store, sources: &[SourceId]) {
        if sources.is_empty() {
            return;
        }
        let all: Vec<SourceId> = sources.iter().flat_map(|&id| store.subtree(id)).collect();
        for id in store.points_below(&all) {
            let view = store.point_by_id(id);
            if view.is_some_and(|view| store.passes(&self.filter, &view.name)) {
                self.add(id);
            }
        }
    }
}
