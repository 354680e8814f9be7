//! One task for all deadlines: ten thousand held requests cost ten thousand entries of a table and
//! one timer.

use std::sync::Arc;

use mainstem_bus::BusState;

use crate::Outcome;
use crate::shared::Shared;

/// Requests that are ended at a time, so that answers come in between.
const BATCH: usize = 256;

/// Ends what nobody answered in time, until the node stops.
pub(crate) async fn watch(shared: Arc<Shared>) {
    loop {
        let due = {
            let now = shared.clock.monotonic();
            let mut table = shared.table.lock();
            let due = table.expire(now, BATCH);
            let next = if due.is_empty() { table.arm() } else { None };
            (due, next.map(|next| next.since(now)))
        };
        match due {
            (due, _) if !due.is_empty() => {
                for open in due {
                    let spec = &open.waiter.seat.spec;
                    let outcome = Outcome::TimedOut {
                        code: spec.timeout_error_code,
                        message: Arc::clone(&spec.timeout_error_message),
                    };
                    shared.end(open, outcome);
                }
                tokio::task::yield_now().await;
            }
            (_, Some(wait)) => {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shared.sooner.notified() => {}
                    () = shared.stopping.cancelled() => return,
                }
            }
            (_, None) => {
                tokio::select! {
                    () = shared.sooner.notified() => {}
                    () = shared.stopping.cancelled() => return,
                }
            }
        }
    }
}

/// Ends everything at once when the bus is lost: nobody can tell whether the replies come.
pub(crate) async fn watch_bus(shared: Arc<Shared>) {
    let mut state = shared.bus.state();
    loop {
        let down = match &*state.borrow_and_update() {
            BusState::Up => None,
            BusState::Down(outage) => Some(Arc::clone(&outage.cause)),
        };
        if let Some(cause) = down {
            shared.end_all(None, || Outcome::BusAway {
                cause: Arc::clone(&cause),
                told: true,
            });
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() {
                return;
            },
            () = shared.stopping.cancelled() => return,
        }
    }
}
