//! What stands behind the desk: the table, the ledger, the tasks.

use std::path::Path;
use std::sync::Arc;

use mainstem_model::{Monotonic, Name, Value, WriteId, WriteState};
use mainstem_security::Audit;
use mainstem_store::{Hop, Outcome, Store};
use mainstem_telemetry::Health;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bounds::bounded;
use crate::ledger::Ledger;
use crate::policy::Policies;
use crate::pulse::Pulses;
use crate::row::Row;
use crate::table::Table;
use crate::trail::{Moment, Trail};
use crate::{OpenError, WriteConfig, reason};

/// Writes whose true outcome is listened for after they became `unknown`.
const LATE_MAX: usize = 1024;

pub(crate) struct Office {
    pub(crate) config: WriteConfig,
    pub(crate) store: Arc<Store>,
    pub(crate) table: Mutex<Table>,
    pub(crate) ledger: Ledger,
    pub(crate) policies: Policies,
    pub(crate) pulses: Pulses,
    pub(crate) trail: Trail,
    pub(crate) health: Health,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
    /// Places for those that listen for the true outcome of an `unknown` write.
    pub(crate) late: Semaphore,
}

impl Office {
    pub(crate) fn open(
        folder: &Path,
        config: WriteConfig,
        store: Arc<Store>,
        audit: Arc<Audit>,
        health: Health,
    ) -> Result<Arc<Self>, OpenError> {
        // The monotonic clock of an earlier life says nothing, and the wall may have been set: so
        // what the ledger tells of is as old as this start, which keeps keys longer, never shorter.
        let now = store.clock().monotonic();
        let mut table = Table::default();
        let ledger = Ledger::open(
            folder,
            config.ledger_bytes,
            health.clone(),
            |row| match row {
                Row::Begin(row) => {
                    if let Some((record, hash)) = row.into_record() {
                        table.recover_begin(record, hash, now, &config);
                    }
                }
                Row::End(row) => table.recover_end(row.id, row.into_outcome()),
            },
        )?;
        let office = Arc::new(Self {
            config,
            store,
            table: Mutex::new(table),
            ledger,
            policies: Policies::default(),
            pulses: Pulses::open(folder, &health),
            trail: Trail::new(audit),
            health,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            late: Semaphore::new(LATE_MAX),
        });
        office.give_up_begun();
        office.tasks.spawn(maintain(Arc::clone(&office)));
        Ok(office)
    }

    /// What was begun in an earlier life and has no outcome: nobody can tell.
    fn give_up_begun(&self) {
        let ids = self.table.lock().without_outcome();
        for id in ids {
            let outcome = Outcome::because(
                WriteState::Unknown,
                reason::RESTARTED,
                "the node stopped before the outcome was known",
            );
            let outcome = self.completed(outcome, None);
            // Kept as an outcome too, so that a later start does not report it again; handed to
            // the ledger before anybody else, so that a later outcome stands behind it.
            self.ledger.note(&Row::end(id, &outcome));
            self.conclude(id, outcome);
        }
    }

    /// Sets a variable of this node, which is the whole of such a write.
    pub(crate) fn set_variable(&self, name: &Name, value: &Value) -> Outcome {
        let set = match value {
            Value::Text(text) => self.store.set_variable(name, Arc::clone(text)),
            _ => return Outcome::because(WriteState::Rejected, reason::TYPE, "it is no text"),
        };
        match set {
            Ok(_) => Outcome::new(WriteState::Applied),
            Err(error) => Outcome::because(WriteState::Rejected, reason::LIMITS, error.to_string()),
        }
    }

    pub(crate) fn now(&self) -> Monotonic {
        self.store.clock().monotonic()
    }

    /// This moment, and how long a write took that came at another.
    pub(crate) fn moment(&self, came: Option<Monotonic>) -> Moment {
        let took = came.map(|came| self.now().since(came));
        Moment {
            wall: self.store.clock().now(),
            took,
        }
    }

    /// This node in the list of those that a write passed.
    pub(crate) fn hop(&self, state: WriteState) -> Hop {
        Hop {
            node: self.store.setup().name.to_string(),
            state,
            at: self.store.clock().now(),
        }
    }

    /// An outcome within its bounds, with this node in front of those behind it.
    pub(crate) fn completed(&self, outcome: Outcome, passed: Option<Hop>) -> Outcome {
        let here = passed.unwrap_or_else(|| self.hop(outcome.state));
        let mut outcome = bounded(outcome);
        outcome.hops.insert(0, here);
        outcome
    }

    /// Puts an outcome into the ledger, if the write is in it, and then tells everybody.
    pub(crate) async fn finish(&self, id: WriteId, outcome: Outcome) -> bool {
        let durable = {
            let mut table = self.table.lock();
            if !table.ending(id, &outcome) {
                return false;
            }
            table.kept(id).is_some_and(|kept| kept.durable)
        };
        if durable && let Err(error) = self.ledger.commit(&Row::end(id, &outcome)).await {
            // The outcome is true all the same; the repaired ledger begins with it.
            tracing::warn!(%id, %error, "the outcome of a write is not in the ledger yet");
        }
        self.conclude(id, outcome);
        true
    }

    /// The last step of every write, whatever became of it.
    pub(crate) fn conclude(&self, id: WriteId, outcome: Outcome) {
        let ended = {
            let mut table = self.table.lock();
            let ended = table.end(id, outcome);
            ended.and_then(|record| {
                let kept = table.kept(id)?;
                Some((record, kept.value.clone(), kept.came()))
            })
        };
        if let Some((record, value, came)) = ended {
            self.trail.outcome(&record, &value, self.moment(came));
        }
    }

    pub(crate) async fn resolve(&self, id: WriteId, mut outcome: Outcome) -> bool {
        let first = {
            let table = self.table.lock();
            let Some(kept) = table.kept(id) else {
                return false;
            };
            if kept.record.state() != WriteState::Unknown {
                return false;
            }
            kept.record.outcome.hops.first().cloned()
        };
        if first
            .as_ref()
            .is_some_and(|hop| outcome.hops.first() == Some(hop))
        {
            outcome.hops.remove(0);
        }
        // A hop that said unknown says now what became of it; one that passed it on stays.
        let first = first.map(|hop| match hop.state {
            WriteState::Unknown => self.hop(outcome.state),
            _ => hop,
        });
        let outcome = self.completed(outcome, first);
        self.finish(id, outcome).await
    }

    pub(crate) async fn stop(self: &Arc<Self>) {
        self.table.lock().close();
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let office = Arc::clone(self);
        let closed = tokio::task::spawn_blocking(move || office.ledger.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the ledger of writes was not closed in order");
        }
    }
}

/// Rotates the ledger when it has grown, and repairs it when it has failed.
async fn maintain(office: Arc<Office>) {
    let mut pause = office.config.reopen_after;
    let mut again = false;
    loop {
        tokio::select! {
            () = office.stopping.cancelled() => return,
            () = office.ledger.due.notified() => {}
            () = tokio::time::sleep(pause), if again => {
                pause = (pause * 2).min(office.config.reopen_after_max);
            }
        }
        let disk = Arc::clone(&office);
        let done = tokio::task::spawn_blocking(move || {
            let bytes_max = disk.ledger.carried_max();
            disk.ledger
                .maintain(|| disk.table.lock().carried(bytes_max))
        });
        again = !matches!(done.await, Ok(Ok(())));
        if !again {
            pause = office.config.reopen_after;
        }
    }
}
