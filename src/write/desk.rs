//! The one write path of a node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::WriteId;
use mainstem_security::{Audit, Principal};
use mainstem_store::{Outcome, Store};
use mainstem_telemetry::Health;

use crate::{Refusal, Request, WriteRecord};

/// The one write path of a node. Shared by all who ask for writes.
pub struct WriteDesk {}

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

/// What the desk has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteCounters {
    /// Requests that became writes and were begun.
    pub accepted: u64,
    /// Writes that the device confirmed.
    pub applied: u64,
    /// Writes refused here, below or by the device, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Writes too late to be carried out.
    pub expired: u64,
    /// Writes of which nobody can tell.
    pub unknown: u64,
    /// Writes open now.
    pub open: u64,
    /// Writes kept now.
    pub kept: u64,
}

#[expect(clippy::todo, reason = "the surface first; bodies follow")]
impl WriteDesk {
    /// Opens the ledger in a folder and takes up what it tells.
    pub fn open(
        _folder: &Path,
        _store: Arc<Store>,
        _audit: Arc<Audit>,
        _health: Arc<Health>,
    ) -> Result<Arc<Self>, OpenError> {
        todo!()
    }

    /// Takes a write in and returns once it is committed or refused. What happens to it then
    /// does not depend on whether the caller still waits; [`wait`](Self::wait) tells.
    pub async fn submit(&self, _request: Request) -> Result<Arc<WriteRecord>, Refusal> {
        todo!()
    }

    /// A write, if there is one with this id that the viewer may see.
    pub fn get(&self, _id: WriteId, _viewer: &Principal) -> Option<Arc<WriteRecord>> {
        todo!()
    }

    /// As [`get`](Self::get), once it is final or some time has passed.
    pub async fn wait(
        &self,
        _id: WriteId,
        _viewer: &Principal,
        _longest: Duration,
    ) -> Option<Arc<WriteRecord>> {
        todo!()
    }

    /// Writes that the viewer may see, newest first, behind a place where an earlier part ended.
    pub fn list(
        &self,
        _viewer: &Principal,
        _after: Option<u64>,
        _limit: usize,
        _open_only: bool,
    ) -> WriteList {
        todo!()
    }

    /// Replaces an `unknown` by what really happened. Returns whether there was such a write.
    pub async fn resolve(&self, _id: WriteId, _outcome: Outcome) -> bool {
        todo!()
    }

    /// What it has done so far.
    pub fn counters(&self) -> WriteCounters {
        todo!()
    }

    /// Answers every open write, takes no more, and returns when all its tasks have ended.
    pub async fn stop(&self) {
        todo!()
    }
}
