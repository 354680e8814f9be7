//! The writes that a node knows: open ones, and what became of the others.

mod keep;
mod look;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use mainstem_model::{Monotonic, WriteId, WriteState};
use mainstem_store::Outcome;
use tokio::sync::watch;

use crate::check::BodyHash;
use crate::{WriteConfig, WriteRecord};

/// Refused requests that are kept to be looked at. They stand for no key, and cannot push out
/// what was carried out.
const REFUSED_KEPT_MAX: usize = 1024;

/// One write in the table.
pub(crate) struct Kept {
    pub(crate) record: Arc<WriteRecord>,
    pub(crate) hash: BodyHash,
    /// Whether the ledger holds it; relays and refused ones are kept in memory only.
    pub(crate) durable: bool,
    /// Whether it may be shown: it is in the ledger, or needs not be.
    shown: bool,
    /// From when its age counts.
    since: Monotonic,
    /// The value for people, if this life of the node has seen it.
    pub(crate) value: Box<str>,
    /// An outcome on its way into the ledger.
    ending: Option<Outcome>,
    /// Tells who waits; gone once the write is final.
    changed: Option<watch::Sender<()>>,
}

impl Kept {
    /// When it came, if that was in this life of the node.
    pub(crate) fn came(&self) -> Option<Monotonic> {
        (self.record.deadline != Monotonic::default()).then_some(self.since)
    }
}

/// A write that was found, and how to learn of its next change.
pub(crate) struct Found {
    pub(crate) record: Arc<WriteRecord>,
    pub(crate) shown: bool,
    pub(crate) next: Option<watch::Receiver<()>>,
}

/// What became of the attempt to begin a write.
pub(crate) enum Begun {
    /// It is new and in the table.
    New(Arc<WriteRecord>),
    /// It was begun before; this is its id.
    Before(WriteId),
    /// The key stands for another write.
    KeyReused(WriteId),
    /// The id stands for another write.
    IdReused,
    /// There is no room.
    Busy,
    /// The node is stopping.
    Closed,
}

/// A write to begin.
pub(crate) struct New {
    pub(crate) record: WriteRecord,
    pub(crate) hash: BodyHash,
    pub(crate) durable: bool,
    pub(crate) value: Box<str>,
}

#[derive(Default)]
pub(crate) struct Table {
    entries: HashMap<WriteId, Kept>,
    keys: HashMap<(String, String), WriteId>,
    order: BTreeMap<u64, WriteId>,
    refused: VecDeque<u64>,
    next: u64,
    open: usize,
    closed: bool,
}

impl Table {
    /// What an id or a key stands for now, if anything.
    pub(crate) fn look_up(
        &mut self,
        record: &WriteRecord,
        hash: &BodyHash,
        now: Monotonic,
        config: &WriteConfig,
    ) -> Option<Begun> {
        self.forget_old(now, config);
        self.known(record, hash)
    }

    fn known(&self, record: &WriteRecord, hash: &BodyHash) -> Option<Begun> {
        if let Some(kept) = self.entries.get(&record.id) {
            let same = kept.record.principal == record.principal && kept.hash == *hash;
            return Some(match same {
                true => Begun::Before(record.id),
                false => Begun::IdReused,
            });
        }
        let key = record.key.as_ref()?;
        let id = *self.keys.get(&(record.principal.clone(), key.clone()))?;
        let kept = self.entries.get(&id)?;
        Some(match kept.hash == *hash {
            true => Begun::Before(id),
            false => Begun::KeyReused(id),
        })
    }

    /// Takes a new write in, unless it is known already or there is no room.
    pub(crate) fn begin(&mut self, new: New, now: Monotonic, config: &WriteConfig) -> Begun {
        if self.closed {
            return Begun::Closed;
        }
        self.forget_old(now, config);
        if let Some(known) = self.known(&new.record, &new.hash) {
            return known;
        }
        if self.open >= config.open_max || !self.make_room(now, config.kept_max) {
            return Begun::Busy;
        }
        let (changed, _) = watch::channel(());
        self.open += 1;
        Begun::New(self.insert(new, now, Some(changed)))
    }

    /// Keeps a refused request for a while; what has the same id stays as it is.
    pub(crate) fn refuse(&mut self, new: New, now: Monotonic) -> Option<Arc<WriteRecord>> {
        if self.entries.contains_key(&new.record.id) {
            return None;
        }
        if self.refused.len() >= REFUSED_KEPT_MAX
            && let Some(oldest) = self.refused.pop_front()
        {
            self.remove(oldest);
        }
        let mut new = new;
        // The record shows the key, but it does not stand for it: nothing was begun.
        let key = new.record.key.take();
        let id = new.record.id;
        let record = self.insert(new, now, None);
        self.refused.push_back(record.sequence);
        let kept = self.entries.get_mut(&id)?;
        Arc::make_mut(&mut kept.record).key = key;
        Some(Arc::clone(&kept.record))
    }

    fn insert(
        &mut self,
        new: New,
        now: Monotonic,
        changed: Option<watch::Sender<()>>,
    ) -> Arc<WriteRecord> {
        self.next += 1;
        let mut record = new.record;
        record.sequence = self.next;
        let id = record.id;
        if let Some(key) = &record.key {
            self.keys
                .insert((record.principal.clone(), key.clone()), id);
        }
        let record = Arc::new(record);
        self.order.insert(self.next, id);
        self.entries.insert(
            id,
            Kept {
                record: Arc::clone(&record),
                hash: new.hash,
                durable: new.durable,
                shown: changed.is_none(),
                since: now,
                value: new.value,
                ending: None,
                changed,
            },
        );
        record
    }

    /// A new state of an open write, from which on it may be shown.
    pub(crate) fn advance(&mut self, id: WriteId, state: WriteState) {
        let Some(kept) = self.entries.get_mut(&id) else {
            return;
        };
        if kept.record.is_final() {
            return;
        }
        kept.shown = true;
        Arc::make_mut(&mut kept.record).outcome.state = state;
        if let Some(changed) = &kept.changed {
            changed.send_replace(());
        }
    }

    /// Notes an outcome that goes into the ledger now, so that a rotation carries it. Not for a
    /// write that has one, but for an `unknown` that is cleared up.
    pub(crate) fn ending(&mut self, id: WriteId, outcome: &Outcome) -> bool {
        let Some(kept) = self.entries.get_mut(&id) else {
            return false;
        };
        let state = kept.record.state();
        let clears = state == WriteState::Unknown && outcome.state != WriteState::Unknown;
        if (state.is_final() && !clears) || kept.ending.is_some() {
            return false;
        }
        kept.ending = Some(outcome.clone());
        true
    }

    /// The outcome of a write. Returns the write, unless it had one already.
    pub(crate) fn end(&mut self, id: WriteId, outcome: Outcome) -> Option<Arc<WriteRecord>> {
        let kept = self.entries.get_mut(&id)?;
        let before = kept.record.state();
        if before.is_final() && before != WriteState::Unknown {
            return None;
        }
        if !before.is_final() {
            self.open = self.open.saturating_sub(1);
        }
        kept.ending = None;
        kept.shown = true;
        Arc::make_mut(&mut kept.record).outcome = outcome;
        // Dropping the sender wakes all who wait.
        kept.changed = None;
        Some(Arc::clone(&kept.record))
    }

    /// Frees the key of a write: it was never begun, or is forgotten.
    pub(crate) fn unbind(&mut self, id: WriteId) {
        let Some(kept) = self.entries.get(&id) else {
            return;
        };
        let Some(key) = &kept.record.key else { return };
        let key = (kept.record.principal.clone(), key.clone());
        if self.keys.get(&key) == Some(&id) {
            self.keys.remove(&key);
        }
    }

    /// Takes no more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
}
