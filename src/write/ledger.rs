//! The ledger on the disk. When it fails it is closed, opened again and begun anew with what the
//! table holds; nothing is committed meanwhile.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mainstem_journal::{AppendLog, CommitError, GroupCommit, LogError, Opened};
use mainstem_telemetry::{Health, Problem, Severity};
use tokio::sync::{Mutex, Notify, oneshot};

use crate::OpenError;
use crate::row::Row;

/// The ledger's file in the data folder.
pub const LEDGER_FILE: &str = "writes.log";

const PROBLEM_FAILED: &str = "writes.journal";
const PROBLEM_DAMAGED: &str = "writes.journal.damaged";

/// Why a row was not committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// More waits than the disk takes; nothing is broken.
    #[error("more writes wait for the disk than it takes")]
    Busy,
    /// It failed and has not been opened again yet.
    #[error("the ledger of writes does not work")]
    Down,
}

pub(crate) struct Ledger {
    path: PathBuf,
    limit: u64,
    // A tokio mutex, so that whoever commits during a rotation does not block a worker; its guard
    // is never held across an await.
    log: Mutex<Option<GroupCommit>>,
    /// Bytes from which it is rotated.
    rotate_at: AtomicU64,
    failed: AtomicBool,
    health: Health,
    /// Wakes whoever repairs and rotates.
    pub(crate) due: Notify,
}

impl Ledger {
    /// Opens the ledger and gives each of its rows to `row`, oldest first.
    pub(crate) fn open(
        folder: &Path,
        limit: u64,
        health: Health,
        mut row: impl FnMut(Row),
    ) -> Result<Self, OpenError> {
        let path = folder.join(LEDGER_FILE);
        let opened = AppendLog::open(&path, limit)?;
        report_damage(&opened, &health);
        let Opened { log, replay, .. } = opened;
        for bytes in replay {
            match Row::read(&bytes?) {
                Some(read) => row(read),
                None => tracing::warn!("the ledger of writes has a row that this build skips"),
            }
        }
        let log = GroupCommit::start("writes", log).map_err(OpenError::Thread)?;
        let ledger = Self {
            path,
            limit,
            log: Mutex::new(Some(log)),
            rotate_at: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            health,
            due: Notify::new(),
        };
        ledger.set_rotation(0);
        Ok(ledger)
    }

    /// Commits a row; returns once it lasts.
    pub(crate) async fn commit(&self, row: &Row) -> Result<(), LedgerError> {
        let (done, fate) = oneshot::channel();
        let bytes = row.bytes();
        match &*self.log.lock().await {
            // Looked at under the lock: a row is either refused before a repair collects what it
            // carries, or goes into the repaired ledger.
            Some(log) if !self.is_failed() => {
                // Nobody waits for the fate only when the runtime is going down.
                log.commit(bytes, move |fate| drop(done.send(fate)));
            }
            _ => return Err(LedgerError::Down),
        }
        match fate.await {
            Ok(Ok(())) => {
                self.look_at_size().await;
                Ok(())
            }
            Ok(Err(CommitError::QueueFull)) => Err(LedgerError::Busy),
            Ok(Err(error)) => {
                self.fail(&error);
                Err(LedgerError::Down)
            }
            Err(_) => {
                self.fail(&CommitError::Stopped);
                Err(LedgerError::Down)
            }
        }
    }

    /// Hands a row over that need not last. Only before anybody commits.
    pub(crate) fn note(&self, row: &Row) {
        if let Ok(log) = self.log.try_lock()
            && let Some(log) = &*log
        {
            log.commit(row.bytes(), |fate| {
                if let Err(error) = fate {
                    tracing::warn!(error = chain(&error), "a row of the ledger was not kept");
                }
            });
        }
    }

    /// Whether it takes no rows.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// How many bytes a rotation may carry.
    pub(crate) fn carried_max(&self) -> u64 {
        self.limit / 2
    }

    /// Repairs or rotates it, whichever is due. `carried` tells all that still counts. Blocks on
    /// the disk: not for a worker of the runtime.
    pub(crate) fn maintain(
        &self,
        carried: impl FnOnce() -> Vec<Vec<u8>>,
    ) -> Result<(), LedgerError> {
        // Nobody commits between collecting what is carried and the new file.
        let mut log = self.log.blocking_lock();
        if self.is_failed() || log.is_none() {
            // Closing waits for the thread, which lets go of the file's lock.
            drop(log.take());
            let fresh = self.reopen(carried()).inspect_err(|error| {
                tracing::error!(error = chain(error), "the ledger of writes still fails");
            });
            *log = Some(fresh.map_err(|_| LedgerError::Down)?);
            self.failed.store(false, Ordering::SeqCst);
            self.health.clear(PROBLEM_FAILED);
            tracing::info!("the ledger of writes works again");
        } else if let Some(working) = &*log {
            if working.statistics().log_bytes < self.rotate_at.load(Ordering::SeqCst) {
                return Ok(());
            }
            if let Err(error) = working.rotate_and_wait(carried()) {
                self.fail(&error);
                return Err(LedgerError::Down);
            }
        }
        self.set_rotation(log.as_ref().map_or(0, |log| log.statistics().log_bytes));
        Ok(())
    }

    /// Commits what waits and closes the file.
    pub(crate) fn close(&self) {
        drop(self.log.blocking_lock().take());
    }

    fn reopen(&self, carried: Vec<Vec<u8>>) -> Result<GroupCommit, ReopenError> {
        let opened = AppendLog::open(&self.path, self.limit)?;
        report_damage(&opened, &self.health);
        for row in opened.replay {
            // What can be read back is not used, the table knows better; but it has to be there.
            row?;
        }
        let log = GroupCommit::start("writes", opened.log).map_err(ReopenError::Thread)?;
        log.rotate_and_wait(carried)?;
        Ok(log)
    }

    fn fail(&self, error: &CommitError) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            let path = self.path.display();
            tracing::error!(error = chain(error), "the ledger of writes failed");
            self.health.raise(Problem {
                id: PROBLEM_FAILED.to_owned(),
                severity: Severity::Critical,
                source: "writes".to_owned(),
                text: format!(
                    "Writes are refused: {path} cannot be written ({}).",
                    chain(error)
                ),
                action: "Check the space and the health of the disk that holds the data folder. \
                         Reading goes on; writing begins again by itself once the disk works."
                    .to_owned(),
            });
        }
        self.due.notify_one();
    }

    async fn look_at_size(&self) {
        let bytes = self
            .log
            .lock()
            .await
            .as_ref()
            .map_or(0, |log| log.statistics().log_bytes);
        if bytes >= self.rotate_at.load(Ordering::SeqCst) {
            self.due.notify_one();
        }
    }

    /// The next rotation comes when the ledger has doubled, but neither for a small one nor so
    /// late that it could fill up meanwhile.
    fn set_rotation(&self, bytes: u64) {
        let at = (2 * bytes).clamp(self.limit / 4, self.limit / 4 * 3);
        self.rotate_at.store(at, Ordering::SeqCst);
    }
}

#[derive(Debug, thiserror::Error)]
enum ReopenError {
    #[error("it cannot be opened again")]
    Log(#[from] LogError),
    #[error("it cannot be begun anew")]
    Commit(#[from] CommitError),
    #[error("the system gives no thread")]
    Thread(#[source] std::io::Error),
}

fn report_damage(opened: &Opened, health: &Health) {
    if let Some(torn) = opened.torn {
        let bytes = torn.bytes;
        tracing::warn!(
            bytes,
            "the last row of the ledger of writes was cut off: the power went"
        );
    }
    let Some(broken) = &opened.broken else { return };
    health.raise(Problem {
        id: PROBLEM_DAMAGED.to_owned(),
        severity: Severity::High,
        source: "writes".to_owned(),
        text: format!(
            "{} bytes of the ledger of writes were damaged. A write whose record is lost could \
             be carried out again if it is repeated with its old key.",
            broken.bytes
        ),
        action: format!(
            "Check the disk. The damaged file lies in {}.",
            broken.moved_to.display()
        ),
    });
}

/// An error with all its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
