//! What of each datapoint was told on the bus, and what is to be told next: the latest of each, in
//! memory proportional to the datapoints however long the broker is away.

use std::collections::{BTreeMap, HashMap};

use mainstem_bus::Topic;
use mainstem_model::{GlobSet, Quality};
use mainstem_store::{Chunk, Delivery, Filter, Item, PointId, Progress, Reader, SourceId, Store};

use crate::Root;

/// Rows that are taken over under one lock.
const ROWS_MAX: usize = 256;

pub(crate) struct Table {
    root: Root,
    wanted: GlobSet,
    /// Whether what is fetched again is told too.
    tells_catchup: bool,
    reader: Reader,
    chunk: Chunk,
    shown: HashMap<u32, Shown>,
    due: BTreeMap<u32, bool>,
    /// Topics of datapoints that are no more.
    gone: Vec<Topic>,
}

struct Shown {
    topic: Topic,
    quality: Option<Quality>,
}

/// A datapoint that is to be told.
pub(crate) struct Due {
    pub(crate) id: PointId,
    pub(crate) topic: Topic,
    /// It did not change just now: it was fetched again.
    pub(crate) catchup: bool,
}

impl Table {
    pub(crate) fn new(root: Root, wanted: GlobSet, tells_catchup: bool) -> Self {
        Self {
            root,
            reader: snapshot(&wanted),
            wanted,
            tells_catchup,
            chunk: Chunk::default(),
            shown: HashMap::new(),
            due: BTreeMap::new(),
            gone: Vec::new(),
        }
    }

    /// Reads on in the feed. Returns whether that was all for now.
    pub(crate) fn read(&mut self, store: &Store) -> bool {
        let mut chunk = std::mem::take(&mut self.chunk);
        let progress = self.reader.read(store, &mut chunk, ROWS_MAX);
        self.take_in(store, &chunk);
        self.chunk = chunk;
        if progress == Progress::Expired {
            // Nobody knows any more what was removed: begin again.
            self.reader = snapshot(&self.wanted);
            let all = self.shown.drain().map(|(_, shown)| shown.topic);
            self.gone.extend(all);
            self.due.clear();
        }
        progress == Progress::AtHead
    }

    /// Takes out some that are due.
    pub(crate) fn take_due(&mut self, most: usize) -> Vec<Due> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some((id, catchup)) = self.due.pop_first()
        {
            let Some(shown) = self.shown.get(&id) else {
                continue;
            };
            taken.push(Due {
                id: PointId(id),
                topic: shown.topic.clone(),
                catchup,
            });
        }
        taken
    }

    /// Takes out the topics of datapoints that are no more.
    pub(crate) fn take_gone(&mut self) -> Vec<Topic> {
        std::mem::take(&mut self.gone)
    }

    /// What was not published stays due.
    pub(crate) fn put_back(&mut self, due: &Due) {
        self.mark(due.id.0, due.catchup);
    }

    /// The quality under which a datapoint is told.
    pub(crate) fn told(&mut self, id: PointId, quality: Quality) {
        if let Some(shown) = self.shown.get_mut(&id.0) {
            shown.quality = Some(quality);
        }
    }

    /// Everything is to be told again.
    pub(crate) fn all_again(&mut self) {
        let ids: Vec<u32> = self.shown.keys().copied().collect();
        ids.into_iter().for_each(|id| self.mark(id, true));
    }

    fn mark(&mut self, id: u32, catchup: bool) {
        let known = self.due.entry(id).or_insert(catchup);
        *known &= catchup;
    }

    fn take_in(&mut self, store: &Store, chunk: &Chunk) {
        let (mut sources, mut rows) = (Vec::new(), chunk.rows.iter());
        for item in &chunk.items {
            match item {
                Item::Define(frame) => self.define(frame.id, &frame.name),
                Item::Remove(id) => self.forget(*id),
                Item::Rows { count, catchup } => {
                    for row in rows.by_ref().take(*count) {
                        self.row(store, row.id, *catchup);
                    }
                }
                Item::Source(frame) => sources.push(SourceId(frame.id)),
                Item::Status(frame) => sources.push(SourceId(frame.id)),
                Item::Same(_)
                | Item::Gone(_)
                | Item::Gap(_)
                | Item::Alias(_)
                | Item::Event(_)
                | Item::Variable(..)
                | Item::End(_) => {}
            }
        }
        if !sources.is_empty() && !self.shown.is_empty() {
            self.qualities_below(store, &sources);
        }
    }

    fn define(&mut self, id: u32, name: &str) {
        let Some(topic) = self.root.topic(name) else {
            return;
        };
        let known = self.shown.get(&id).map(|shown| shown.topic == topic);
        if known == Some(true) {
            return;
        }
        self.forget(id);
        self.gone.retain(|gone| *gone != topic);
        let shown = Shown {
            topic,
            quality: None,
        };
        self.shown.insert(id, shown);
    }

    fn forget(&mut self, id: u32) {
        self.due.remove(&id);
        if let Some(shown) = self.shown.remove(&id) {
            self.gone.push(shown.topic);
        }
    }

    fn row(&mut self, store: &Store, id: u32, catchup: bool) {
        if !self.shown.contains_key(&id) {
            return;
        }
        if !catchup || self.tells_catchup {
            self.mark(id, catchup);
        } else if let Some(view) = store.point_by_id(PointId(id)) {
            self.told(PointId(id), view.quality);
        }
    }

    /// A source's state is that of all datapoints below it: those that it makes better or worse
    /// are told again.
    fn qualities_below(&mut self, store: &Store, sources: &[SourceId]) {
        let mut all: Vec<SourceId> = sources.iter().flat_map(|&id| store.subtree(id)).collect();
        all.sort_unstable();
        all.dedup();
        for id in store.points_below(&all) {
            let Some(before) = self.shown.get(&id.0).and_then(|shown| shown.quality) else {
                continue;
            };
            let now = store.point_by_id(id).map(|view| view.quality);
            if now.is_some_and(|now| now != before) {
                self.mark(id.0, false);
            }
        }
    }
}

fn snapshot(wanted: &GlobSet) -> Reader {
    let filter = Filter::new(GlobSet::everything(), wanted.clone());
    Reader::snapshot(filter, Delivery::Latest)
}
