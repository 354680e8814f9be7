//! What a reader that asked for a deadband or for intervals is told, and when.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::Pacing;
use mainstem_store::{Chunk, Delivery, Filter, Item, Pacer, Reader, Store};
use mainstem_wire::{Cursor, RowOut};
use tokio::time::Instant;

/// Rows looked at under one lock while it is learned what a reader may know.
const ROWS_MAX: usize = 1024;

/// The pacing of one reader.
pub(super) struct Pace {
    store: Arc<Store>,
    pacer: Pacer<RowOut>,
    filter: Filter,
    /// What a reader that came again may know is learned when it is at the head.
    learns: bool,
}

impl Pace {
    /// The pacing of a reader that asked for some.
    pub(super) fn new(
        store: &Arc<Store>,
        pacing: Pacing,
        filter: &Filter,
        since: Option<Cursor>,
    ) -> Option<Self> {
        let pacer = Pacer::new(pacing);
        (!pacing.is_none()).then(|| Self {
            store: Arc::clone(store),
            learns: since.is_some() && pacer.repeats(),
            pacer,
            filter: filter.clone(),
        })
    }

    /// Samples that newer ones took the place of.
    pub(super) fn conflated(&self) -> u64 {
        self.pacer.conflated()
    }

    /// The place up to which everything is told, when the feed was read up to `place`.
    pub(super) fn covered(&self, place: u64) -> u64 {
        self.pacer.covered(place)
    }

    /// Takes out of a chunk what is held back.
    pub(super) fn sift(&mut self, chunk: &mut Chunk, place: u64) {
        let now = self.store.clock().monotonic();
        self.pacer.sift(chunk, place, now);
    }

    /// Takes in a datapoint as it is; whether it is to be told now.
    pub(super) fn take(&mut self, row: &RowOut, place: u64) -> bool {
        let now = self.store.clock().monotonic();
        self.pacer.take(row.id, row, false, place, now)
    }

    /// Datapoints that are no more, or others.
    pub(super) fn forget(&mut self, chunk: &Chunk) {
        for item in &chunk.items {
            match item {
                Item::Define(frame) => self.pacer.forget(frame.id),
                Item::Remove(id) => self.pacer.forget(*id),
                _ => {}
            }
        }
    }

    /// Fills a chunk with rows whose time has come; whether there are any.
    pub(super) fn fill(&mut self, chunk: &mut Chunk, place: u64) -> bool {
        let now = self.store.clock().monotonic();
        if self.pacer.next_due().is_none_or(|due| due > now) {
            return false;
        }
        self.pacer.due_chunk(chunk, place, now, ROWS_MAX);
        !chunk.rows.is_empty()
    }

    /// What was told instead of a row whose time had come.
    pub(super) fn told(&mut self, row: &RowOut) {
        let now = self.store.clock().monotonic();
        self.pacer.told(row.id, row, now);
    }

    /// When a row's time comes, if one is held back.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.pacer.next_due()?;
        let now = self.store.clock().monotonic();
        // A little late, so that its time has come by a clock that counts whole microseconds.
        Some(Instant::now() + due.since(now) + Duration::from_micros(1))
    }

    /// Learns what a reader that came again may know, so that it is told again in time. Done once,
    /// at the head; others get their turn meanwhile.
    pub(super) async fn learn(&mut self) {
        if !std::mem::take(&mut self.learns) {
            return;
        }
        let reader = Reader::snapshot(self.filter.clone(), Delivery::Latest);
        let mut reader = reader.naming_epochs();
        let mut chunk = Chunk::default();
        loop {
            reader.read(&self.store, &mut chunk, ROWS_MAX);
            let now = self.store.clock().monotonic();
            for row in &chunk.rows {
                self.pacer.know(row.id, row, now);
            }
            if chunk.items.iter().any(|item| matches!(item, Item::End(_))) {
                return;
            }
            tokio::task::consume_budget().await;
        }
    }
}

/// Waits until a row's time comes; for ever where nothing is held back.
pub(super) async fn comes(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
