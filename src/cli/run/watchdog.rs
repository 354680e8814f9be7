//! Feeds the service manager's watchdog, as long as data can pass.

use std::sync::Arc;

use mainstem_model::Role;
use mainstem_store::Store;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::Service;

/// Feedings within the time that the service manager allows.
const FEEDINGS: u32 = 3;

/// Starts feeding, if the service manager wants it. Cancelled, it ends.
pub(super) fn start(
    tasks: &TaskTracker,
    service: Service,
    store: &Arc<Store>,
) -> CancellationToken {
    let stop = CancellationToken::new();
    let Some(allowed) = sd_notify::watchdog_enabled() else {
        return stop;
    };
    let (store, stopped) = (Arc::clone(store), stop.clone());
    tasks.spawn(async move {
        let mut ticks = interval(allowed / FEEDINGS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped.cancelled() => return,
                _ = ticks.tick() => {}
            }
            pass(&store);
            service.alive();
        }
    });
    stop
}

/// Goes the way that every sample goes: through the runtime and the feed's one writer. If either
/// is stuck, nothing is fed. No disk is asked: a slow disk is no reason to stop a plant's data.
fn pass(store: &Store) {
    let sources = store.sources();
    let own = sources
        .iter()
        .find(|source| source.role == Role::Node && source.parent.is_none());
    if let Some(own) = own {
        store.confirm(own.id);
    }
}
