//! What the table shows.

use std::sync::Arc;

use mainstem_model::{Timestamp, WriteId};
use mainstem_security::Principal;
use tokio::sync::watch;

use super::{Found, Kept, Table};
use crate::{WriteQuery, WriteRecord};

/// Writes looked at under one lock.
const LOOK_MAX: usize = 4096;

impl Table {
    /// A write with everything that is kept of it.
    pub(crate) fn kept(&self, id: WriteId) -> Option<&Kept> {
        self.entries.get(&id)
    }

    /// A write as it stands, and how to learn of its next change.
    pub(crate) fn find(&self, id: WriteId) -> Option<Found> {
        let kept = self.entries.get(&id)?;
        Some(Found {
            record: Arc::clone(&kept.record),
            shown: kept.shown,
            next: kept.changed.as_ref().map(watch::Sender::subscribe),
        })
    }

    /// Looks for writes behind a place, newest first, some at a time: until `limit` are found, or
    /// the place where to go on. `None` where there are no more.
    pub(crate) fn look(
        &self,
        viewer: &Principal,
        query: &WriteQuery,
        after: u64,
        found: &mut Vec<Arc<WriteRecord>>,
        limit: usize,
    ) -> Option<u64> {
        let behind = self.order.range(..after).rev();
        let mut last = None;
        for (sequence, id) in behind.take(LOOK_MAX) {
            if found.len() >= limit {
                break;
            }
            last = Some(*sequence);
            let kept = self.entries.get(id).filter(|kept| kept.shown);
            let fits = |kept: &&Kept| kept.record.is_visible_to(viewer) && query.fits(&kept.record);
            found.extend(kept.filter(fits).map(|kept| Arc::clone(&kept.record)));
        }
        last
    }

    /// The values of some writes, for people, as far as this life of the node has seen them.
    pub(crate) fn values(&self, records: &[Arc<WriteRecord>]) -> Vec<Option<Box<str>>> {
        let value = |record: &Arc<WriteRecord>| {
            let kept = self.entries.get(&record.id)?;
            (!kept.value.is_empty()).then(|| kept.value.clone())
        };
        records.iter().map(value).collect()
    }

    /// When the oldest write came that is kept.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let (_, id) = self.order.first_key_value()?;
        self.entries.get(id).map(|kept| kept.record.at)
    }

    /// Writes open and kept now.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.open, self.entries.len())
    }
}
