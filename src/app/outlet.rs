//! Datapoints for adapters that carry them out: a reader of the store's feed, with names.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_adapter::{BoxFuture, Outgoing, Outlet};
use mainstem_model::{GlobSet, Quality, Timestamp};
use mainstem_store::{Chunk, Delivery, Filter, Item, Progress, Reader, Store};
use tokio::sync::watch;

/// Rows read at once.
const ROWS_MAX: usize = 1024;

/// One adapter's place in the feed.
pub(super) struct StoreOutlet {
    store: Arc<Store>,
    changes: watch::Receiver<u64>,
    reader: Reader,
    wanted: GlobSet,
    names: HashMap<u32, Arc<str>>,
    chunk: Chunk,
    missed: u64,
}

impl StoreOutlet {
    pub(super) fn new(store: Arc<Store>, wanted: &GlobSet) -> Self {
        Self {
            changes: store.changes(),
            reader: begin(wanted),
            wanted: wanted.clone(),
            names: HashMap::new(),
            chunk: Chunk::default(),
            missed: 0,
            store,
        }
    }

    /// Reads what there is. Returns whether that was all.
    fn read(&mut self, out: &mut Vec<Outgoing>) -> bool {
        let progress = self.reader.read(&self.store, &mut self.chunk, ROWS_MAX);
        let mut rows = self.chunk.rows.drain(..);
        for item in &self.chunk.items {
            match item {
                Item::Define(frame) => {
                    self.names.insert(frame.id, frame.name.as_str().into());
                }
                Item::Remove(id) => drop(self.names.remove(id)),
                Item::Rows { count, .. } => {
                    for row in rows.by_ref().take(*count) {
                        let Some(name) = self.names.get(&row.id) else {
                            continue;
                        };
                        out.push(Outgoing {
                            name: Arc::clone(name),
                            value: row.value,
                            quality: Quality::from_code(row.quality),
                            time: Timestamp::from_micros(row.time),
                        });
                    }
                }
                _ => {}
            }
        }
        drop(rows);
        if progress == Progress::Expired {
            // Nobody knows any more what was removed: begin again with the latest of each.
            self.missed += self.reader.missed();
            self.reader = begin(&self.wanted);
            self.names.clear();
        }
        progress == Progress::AtHead
    }

    /// How many were missed since the last question.
    fn take_missed(&mut self, before: u64) -> u64 {
        (self.missed + self.reader.missed()).saturating_sub(before)
    }
}

impl Outlet for StoreOutlet {
    fn next<'a>(&'a mut self, out: &'a mut Vec<Outgoing>) -> BoxFuture<'a, u64> {
        Box::pin(async move {
            loop {
                let before = self.missed + self.reader.missed();
                self.changes.borrow_and_update();
                let is_all = self.read(out);
                let missed = self.take_missed(before);
                if !out.is_empty() || missed > 0 {
                    return missed;
                }
                if is_all && self.changes.changed().await.is_err() {
                    // The store is gone, and this adapter soon.
                    return std::future::pending().await;
                }
            }
        })
    }
}

fn begin(wanted: &GlobSet) -> Reader {
    let filter = Filter::new(GlobSet::everything(), wanted.clone());
    Reader::snapshot(filter, Delivery::Every)
}
