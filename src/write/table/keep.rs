//! What the table keeps: how it begins with the ledger, what it carries into a new one, and what
//! it forgets.

use std::sync::Arc;

use mainstem_model::{Monotonic, WriteId};
use mainstem_store::Outcome;

use super::{Kept, New, Table};
use crate::check::BodyHash;
use crate::row::Row;
use crate::{WriteConfig, WriteRecord, reason};

/// Writes looked at when there is no room; those that cannot go yet are few.
const LOOK_MAX: usize = 4096;

impl Table {
    /// A write that the ledger tells of. A later one takes over the key of an earlier one.
    pub(crate) fn recover_begin(
        &mut self,
        record: WriteRecord,
        hash: BodyHash,
        now: Monotonic,
        config: &WriteConfig,
    ) {
        if self.entries.contains_key(&record.id) {
            return;
        }
        while self.entries.len() >= config.kept_max
            && let Some((&oldest, _)) = self.order.first_key_value()
        {
            self.remove(oldest);
        }
        let new = New {
            record,
            hash,
            durable: true,
            value: Box::default(),
        };
        self.insert(new, now, None);
    }

    /// An outcome that the ledger tells of.
    pub(crate) fn recover_end(&mut self, id: WriteId, outcome: Outcome) {
        // What this ledger failed to take was never begun, so its key is free again.
        if outcome.hop.is_none() && outcome.reason.as_deref() == Some(reason::JOURNAL) {
            self.unbind(id);
        }
        if let Some(kept) = self.entries.get_mut(&id) {
            Arc::make_mut(&mut kept.record).outcome = outcome;
        }
    }

    /// The writes without an outcome, oldest first.
    pub(crate) fn without_outcome(&self) -> Vec<WriteId> {
        let ids = self.order.values().copied();
        ids.filter(|id| {
            self.entries
                .get(id)
                .is_some_and(|kept| !kept.record.is_final())
        })
        .collect()
    }

    /// The rows with which a new ledger begins: the newest that fit, oldest first.
    pub(crate) fn carried(&self, bytes_max: u64) -> Vec<Vec<u8>> {
        let (mut writes, mut bytes) = (Vec::new(), 0_u64);
        let newest = self
            .order
            .values()
            .rev()
            .filter_map(|id| self.entries.get(id));
        for kept in newest.filter(|kept| kept.durable) {
            let rows = Self::rows(kept);
            // Some more for what the log puts around each row.
            bytes += rows.iter().map(|row| row.len() as u64 + 16).sum::<u64>();
            if bytes > bytes_max {
                break;
            }
            writes.push(rows);
        }
        writes.into_iter().rev().flatten().collect()
    }

    /// Forgets what is older than it needs to be.
    pub(super) fn forget_old(&mut self, now: Monotonic, config: &WriteConfig) {
        while let Some((&oldest, id)) = self.order.first_key_value()
            && let Some(kept) = self.entries.get(id)
            && kept.record.is_final()
            && now.since(kept.since) >= config.kept_for
        {
            self.remove(oldest);
        }
    }

    /// Whether there is room for one more, at the cost of the oldest write that is final and past
    /// its deadline: until then its id may still come over a link.
    pub(super) fn make_room(&mut self, now: Monotonic, kept_max: usize) -> bool {
        if self.entries.len() < kept_max {
            return true;
        }
        let oldest = self.order.iter().take(LOOK_MAX).find_map(|(sequence, id)| {
            let record = &self.entries.get(id)?.record;
            (record.is_final() && record.deadline <= now).then_some(*sequence)
        });
        oldest.map(|sequence| self.remove(sequence)).is_some()
    }

    pub(super) fn remove(&mut self, sequence: u64) {
        let Some(id) = self.order.remove(&sequence) else {
            return;
        };
        self.unbind(id);
        self.entries.remove(&id);
    }

    /// The ledger's rows of a write.
    fn rows(kept: &Kept) -> Vec<Vec<u8>> {
        let mut rows = vec![Row::begin(&kept.record, &kept.hash).bytes()];
        let outcome = kept.ending.as_ref().or_else(|| {
            let outcome = &kept.record.outcome;
            outcome.state.is_final().then_some(outcome)
        });
        rows.extend(outcome.map(|outcome| Row::end(kept.record.id, outcome).bytes()));
        rows
    }
}
