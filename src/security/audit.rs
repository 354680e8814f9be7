//! The audit trail: who did what, in a chain of records that shows where it was changed.

mod chain;
mod file;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use mainstem_model::{Clock, Timestamp};
use mainstem_telemetry::{Counter, Health, Metrics, Problem, Severity};

pub use chain::{Chain, ChainError, verify};
use file::Trail;

/// Records that wait to be written; further ones are lost, counted and reported.
pub const QUEUE_RECORDS_MAX: usize = 4096;

/// Records that are written together.
const BATCH_MAX: usize = 512;
const PROBLEM_ID: &str = "audit.incomplete";

/// One thing that somebody did or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who: the name of a token, or what was claimed.
    pub principal: String,
    /// From where, if it came over a network.
    pub address: Option<String>,
    /// What: `write`, `login`, `token.create`.
    pub action: String,
    /// On what.
    pub target: String,
    /// How it ended: `applied`, `denied`.
    pub outcome: String,
    /// What else there is to say.
    pub detail: String,
}

/// How much of the trail is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditLimits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files in all; the oldest goes when there is one more.
    pub files: usize,
}

impl Default for AuditLimits {
    fn default() -> Self {
        Self {
            file_bytes: 16 << 20,
            files: 8,
        }
    }
}

/// Why there is no audit trail.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened.
    #[error("cannot open the audit trail {path}: check the folder and its owner")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot start the audit trail's thread")]
    Thread(#[source] io::Error),
}

enum Message {
    Record(Box<AuditRecord>),
    Flush(SyncSender<()>),
}

/// The audit trail of a node, written by a thread of its own. Dropping it writes what waits.
#[derive(Debug)]
pub struct Audit {
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    health: Health,
    /// Records lost since the last one that was written.
    lost: AtomicU64,
    lost_total: Counter,
    written_total: Counter,
}

impl Audit {
    /// Opens the trail and goes on with its chain.
    pub fn open(
        path: &Path,
        limits: AuditLimits,
        clock: Arc<dyn Clock>,
        health: Health,
        metrics: &Metrics,
    ) -> Result<Self, AuditError> {
        let opened = Trail::open(path, limits);
        let trail = opened.map_err(|source| AuditError::Open {
            path: path.to_owned(),
            source,
        })?;
        let state = Arc::new(State {
            health,
            lost: AtomicU64::new(0),
            lost_total: metrics.counter("audit_lost", "Audit records that could not be kept"),
            written_total: metrics.counter("audit_records", "Audit records written"),
        });
        let (queue, waiting) = sync_channel(QUEUE_RECORDS_MAX);
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                Writer {
                    trail,
                    clock,
                    state: shared,
                }
                .run(&waiting)
            })
            .map_err(AuditError::Thread)?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            state,
        })
    }

    /// Hands a record over. It never waits: a record for which there is no room is lost, which
    /// is counted, raises a critical problem, and stands in the trail as a gap.
    pub fn record(&self, record: AuditRecord) {
        let Some(queue) = &self.queue else { return };
        match queue.try_send(Message::Record(Box::new(record))) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.state.lose(1, "more happens than the disk takes"),
            Err(TrySendError::Disconnected(_)) => self.state.lose(1, "its thread has ended"),
        }
    }

    /// Waits until everything handed over before is written, or known to be lost.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        let sent = self
            .queue
            .as_ref()
            .is_some_and(|queue| queue.send(Message::Flush(done)).is_ok());
        // An error means that the thread has ended, after which there is nothing to wait for.
        if sent && written.recv().is_err() {
            self.state.lose(0, "its thread has ended");
        }
    }

    /// Records lost since the start.
    pub fn lost(&self) -> u64 {
        self.state.lost_total.get()
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        drop(self.queue.take());
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            self.state.lose(0, "its thread ended in a panic");
        }
    }
}

impl State {
    fn lose(&self, records: u64, why: &str) {
        self.lost_total.inc_by(records);
        if self.lost.fetch_add(records, Ordering::SeqCst) > 0 {
            return;
        }
        self.health.raise(Problem {
            id: PROBLEM_ID.to_owned(),
            severity: Severity::Critical,
            source: "audit".to_owned(),
            text: format!("Audit records are being lost: {why}."),
            action: "Check the space and the health of the disk that holds the data folder. \
                     The node goes on; the trail will show the gap."
                .to_owned(),
        });
    }
}

struct Writer {
    trail: Trail,
    clock: Arc<dyn Clock>,
    state: Arc<State>,
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Message>) {
        while let Ok(first) = waiting.recv() {
            let mut records = Vec::new();
            let mut flushes = Vec::new();
            let rest = waiting.try_iter().take(BATCH_MAX - 1);
            for message in std::iter::once(first).chain(rest) {
                match message {
                    Message::Record(record) => records.push(*record),
                    Message::Flush(done) => flushes.push(done),
                }
            }
            self.write(records);
            // Whoever asked may have given up meanwhile; then there is nobody to tell.
            for done in flushes {
                let _told = done.try_send(());
            }
        }
        self.write(Vec::new());
    }

    /// Writes a batch, with a record of what was lost before it.
    fn write(&mut self, mut records: Vec<AuditRecord>) {
        let lost = self.state.lost.load(Ordering::SeqCst);
        if lost > 0 {
            records.insert(0, gap(self.clock.now(), lost));
        }
        if records.is_empty() {
            return;
        }
        match self.trail.write(&records) {
            Ok(()) => {
                self.state.written_total.inc_by(records.len() as u64);
                if lost > 0 && self.state.lost.fetch_sub(lost, Ordering::SeqCst) == lost {
                    self.state.health.clear(PROBLEM_ID);
                }
            }
            Err(error) => {
                let own = u64::from(lost > 0);
                tracing::error!(%error, "the audit trail cannot be written");
                self.state
                    .lose(records.len() as u64 - own, "the disk refuses them");
            }
        }
    }
}

fn gap(at: Timestamp, lost: u64) -> AuditRecord {
    AuditRecord {
        at,
        principal: "mainstem".to_owned(),
        address: None,
        action: "audit.gap".to_owned(),
        target: "audit".to_owned(),
        outcome: "lost".to_owned(),
        detail: format!("up to {lost} records before this one could not be kept"),
    }
}
