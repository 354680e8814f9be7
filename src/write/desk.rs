//! The one write path of a node, as everybody sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{WriteId, WriteState};
use mainstem_security::{Audit, Principal};
use mainstem_store::{Outcome, Store};
use mainstem_telemetry::Health;
use tokio::sync::watch;

use crate::begin::Begin;
use crate::office::Office;
use crate::{
    Explained, PolicyConfig, Reach, Refusal, Request, WriteConfig, WriteCounters, WriteQuery,
    WriteRecord,
};

/// The one write path of a node. Shared by all who ask for writes.
pub struct WriteDesk {
    office: Arc<Office>,
}

/// Why there is no write path.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The ledger cannot be opened or read.
    #[error("the ledger of writes cannot be opened")]
    Ledger(#[from] mainstem_journal::LogError),
    /// The system gives no thread.
    #[error("cannot start the ledger's thread")]
    Thread(#[source] std::io::Error),
}

/// A part of the kept writes, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteList {
    /// The writes.
    pub items: Vec<Arc<WriteRecord>>,
    /// Where to go on, if there are more.
    pub next: Option<u64>,
}

impl WriteDesk {
    /// Opens the ledger in a folder and takes up what it tells, with the bounds and durations
    /// that every node has. To be called within a runtime.
    pub fn open(
        folder: &Path,
        store: Arc<Store>,
        audit: Arc<Audit>,
        health: Health,
    ) -> Result<Arc<Self>, OpenError> {
        Self::open_with(folder, WriteConfig::default(), store, audit, health)
    }

    /// As [`open`](Self::open), with other bounds and durations.
    pub fn open_with(
        folder: &Path,
        config: WriteConfig,
        store: Arc<Store>,
        audit: Arc<Audit>,
        health: Health,
    ) -> Result<Arc<Self>, OpenError> {
        let office = Office::open(folder, config, store, audit, health)?;
        Ok(Arc::new(Self { office }))
    }

    /// Takes over the policies of a changed configuration.
    pub fn set_policies(&self, policies: Vec<PolicyConfig>) {
        self.office.policies.replace(policies);
    }

    /// What this node would say to a write, rule by rule. Nothing is carried out or counted.
    pub fn explain(&self, request: &Request) -> Explained {
        self.office.explain(request)
    }

    /// Takes a write in and returns once it is committed or refused. What happens to it then
    /// does not depend on whether the caller still waits; [`wait`](Self::wait) tells. What was
    /// begun before, by its key or its id, is returned as it stands and not carried out again.
    pub async fn submit(&self, request: Request) -> Result<Arc<WriteRecord>, Refusal> {
        match self.office.begin(&request)? {
            Begin::Refused(record) => Ok(record),
            Begin::Open(id) => {
                let shown = self.until(id, |record, shown| shown || record.is_final());
                // It cannot be forgotten while it is open, nor so soon after.
                shown.await.ok_or(Refusal::Stopping)
            }
        }
    }

    /// A write, if there is one with this id that the viewer may see.
    pub fn get(&self, id: WriteId, viewer: &Principal) -> Option<Arc<WriteRecord>> {
        let found = self.office.table.lock().find(id)?;
        (found.shown && found.record.is_visible_to(viewer)).then_some(found.record)
    }

    /// As [`get`](Self::get), once it is final or some time has passed.
    pub async fn wait(
        &self,
        id: WriteId,
        viewer: &Principal,
        longest: Duration,
    ) -> Option<Arc<WriteRecord>> {
        self.get(id, viewer)?;
        let end = self.until(id, |record, _| record.is_final());
        // Too long a wait ends with the write as it stands.
        let ended = tokio::time::timeout(longest, end).await.ok().flatten();
        ended.or_else(|| self.get(id, viewer))
    }

    /// Writes that the viewer may see, newest first, behind the place where an earlier part ended.
    pub fn list(
        &self,
        viewer: &Principal,
        query: &WriteQuery,
        after: Option<u64>,
        limit: usize,
    ) -> WriteList {
        let (mut items, mut place) = (Vec::new(), after.unwrap_or(u64::MAX));
        let enough = limit.saturating_add(1);
        // In steps, so that no write waits until everything was looked at.
        while items.len() < enough {
            let table = self.office.table.lock();
            match table.look(viewer, query, place, &mut items, enough) {
                Some(last) => place = last,
                None => break,
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|record| record.sequence);
        WriteList { items, next }
    }

    /// The values of some writes, for people; a write from before the start has none.
    pub fn values(&self, records: &[Arc<WriteRecord>]) -> Vec<Option<Box<str>>> {
        self.office.table.lock().values(records)
    }

    /// How far back the kept writes reach.
    pub fn reach(&self) -> Reach {
        let table = self.office.table.lock();
        Reach {
            oldest: table.oldest(),
            writes: table.counts().1,
            writes_max: self.office.config.kept_max,
            kept_for: self.office.config.kept_for,
        }
    }

    /// Replaces an `unknown` by what really happened. Returns whether there was such a write.
    pub async fn resolve(&self, id: WriteId, outcome: Outcome) -> bool {
        outcome.state.is_final()
            && outcome.state != WriteState::Unknown
            && self.office.resolve(id, outcome).await
    }

    /// What it has done so far.
    pub fn counters(&self) -> WriteCounters {
        let (open, kept) = self.office.table.lock().counts();
        WriteCounters {
            open: open as u64,
            kept: kept as u64,
            ..self.office.trail.counters()
        }
    }

    /// Answers every open write, takes no more, and returns when all its tasks have ended and
    /// the ledger is closed. What was handed over already becomes `unknown`, the rest `expired`.
    pub async fn stop(&self) {
        self.office.stop().await;
    }

    /// Waits until a write is as it should be.
    async fn until(
        &self,
        id: WriteId,
        enough: impl Fn(&WriteRecord, bool) -> bool,
    ) -> Option<Arc<WriteRecord>> {
        loop {
            // The receiver is made under the same lock as the look, so no change is missed.
            let found = self.office.table.lock().find(id)?;
            if enough(&found.record, found.shown) {
                return Some(found.record);
            }
            let mut next: watch::Receiver<()> = found.next?;
            // An error means that the sender is gone, which is the last change.
            drop(next.changed().await);
        }
    }
}
