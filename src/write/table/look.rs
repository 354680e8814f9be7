//! What the table shows.

use std::sync::Arc;

use mainstem_model::WriteId;
use mainstem_security::Principal;
use tokio::sync::watch;

use super::{Found, Kept, Table};
use crate::WriteList;

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

    /// Writes behind a place, newest first.
    pub(crate) fn list(
        &self,
        viewer: &Principal,
        after: Option<u64>,
        limit: usize,
        open_only: bool,
    ) -> WriteList {
        let behind = self.order.range(..after.unwrap_or(u64::MAX)).rev();
        let visible = behind
            .filter_map(|(_, id)| self.entries.get(id))
            .filter(|kept| {
                kept.shown
                    && kept.record.is_visible_to(viewer)
                    && !(open_only && kept.record.is_final())
            });
        let mut items: Vec<_> = visible
            .take(limit.saturating_add(1))
            .map(|kept| Arc::clone(&kept.record))
            .collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|record| record.sequence);
        WriteList { items, next }
    }

    /// Writes open and kept now.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.open, self.entries.len())
    }
}
