//! What the tasks and the server nodes have in common, and the one place where a request ends.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use mainstem_bus::Bus;
use mainstem_model::{Clock, Monotonic, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::node::Seat;
use crate::numbers::Numbers;
use crate::past::{Ended, Past};
use crate::table::{NodeKey, Open, Table};
use crate::{Caller, Ending, Levels, Outcome};

/// Who waits for the end of a request.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) seat: Arc<Seat>,
    pub(crate) caller: Caller,
    pub(crate) at: Timestamp,
    pub(crate) opened: Monotonic,
    pub(crate) answer: oneshot::Sender<Outcome>,
}

/// The state behind all server nodes.
pub(crate) struct Shared {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) table: Mutex<Table<Waiter>>,
    pub(crate) past: Mutex<Past>,
    pub(crate) seats: Mutex<BTreeMap<NodeKey, Weak<Seat>>>,
    pub(crate) numbers: Numbers,
    /// How requests reach other nodes; nothing where there is no tree.
    pub(crate) levels: OnceLock<Arc<Levels>>,
    /// The key of the next server node.
    pub(crate) next: AtomicU64,
    /// Wakes whoever looks after the deadlines.
    pub(crate) sooner: Notify,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    /// Ends a request that was taken out of the table.
    pub(crate) fn end(&self, open: Open<Waiter>, outcome: Outcome) {
        let ending = ending(&outcome);
        let (code, message) = match &outcome {
            Outcome::Error { code, message } => (*code, Some(message.as_str().into())),
            Outcome::BusAway { cause, .. } => (None, Some(Arc::clone(cause))),
            Outcome::Refused(cause) => (None, Some(Arc::clone(cause))),
            _ => (None, None),
        };
        let answer = self.note(open, ending, code, message);
        // Who asked may be gone at this very moment; nothing is lost then.
        drop(answer.send(outcome));
    }

    /// Notes the end of a request whose holder is gone.
    pub(crate) fn gone(&self, open: Open<Waiter>) {
        drop(self.note(open, Ending::Gone, None, None));
    }

    fn note(
        &self,
        open: Open<Waiter>,
        ending: Ending,
        code: Option<i64>,
        message: Option<Arc<str>>,
    ) -> oneshot::Sender<Outcome> {
        let waiter = open.waiter;
        let took = self.clock.monotonic().since(waiter.opened);
        self.numbers.open.dec();
        waiter.seat.numbers.ended(ending).inc();
        if matches!(ending, Ending::Answered | Ending::Failed) {
            waiter.seat.numbers.took(took);
        }
        self.past.lock().push(Ended {
            id: open.id,
            node: waiter.seat.spec.name.clone(),
            caller: waiter.caller,
            opened: waiter.at,
            took,
            ending,
            code,
            message,
        });
        waiter.answer
    }

    /// Ends all requests, or those of one server node, for the same reason.
    pub(crate) fn end_all(&self, node: Option<NodeKey>, outcome: impl Fn() -> Outcome) {
        let open = self.table.lock().take(node);
        for open in open {
            self.end(open, outcome());
        }
    }

    /// Waits for a time, or until the end of the node.
    pub(crate) async fn pause(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stopping.cancelled() => {}
        }
    }
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Value(_) => Ending::Answered,
        Outcome::Error { .. } => Ending::Failed,
        Outcome::TimedOut { .. } => Ending::TimedOut,
        Outcome::BusAway { .. } | Outcome::Refused(_) => Ending::BusAway,
        Outcome::Busy | Outcome::Stopping => Ending::Stopped,
    }
}
