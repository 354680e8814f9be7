//! Datapoints on the bus: each one a topic below the node's own root, and writes by `…/set`.
//!
//! What stands there is told from the feed and never read back: nothing that comes over the bus
//! becomes a datapoint here, and what the node itself published is never taken for a write.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod audit;
mod numbers;
mod payload;
mod publisher;
mod setter;
mod table;
mod topics;

use std::sync::Arc;

use mainstem_bus::Bus;
use mainstem_bus::config::DatapointsConfig;
use mainstem_security::{Audit, Principal};
use mainstem_store::Store;
use mainstem_telemetry::Metrics;
use mainstem_write::WriteDesk;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use audit::Refusals;
use numbers::Numbers;
pub use topics::{Root, RootError};

/// Who writes.
pub trait Writers: Send + Sync + 'static {
    /// The principal of a name with his rights as they are now; none if he is not known any more.
    fn principal(&self, name: &str) -> Option<Principal>;
}

/// What datapoints on the bus need.
pub struct PointsSetup {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Whether its broker is a foreign one, which does not say who published and keeps messages
    /// while the connection is lost.
    pub is_foreign: bool,
    /// What the node knows.
    pub store: Arc<Store>,
    /// The one write path.
    pub writes: Arc<WriteDesk>,
    /// Who writes.
    pub writers: Arc<dyn Writers>,
    /// Where refused writes are noted.
    pub audit: Arc<Audit>,
    /// Where it is counted.
    pub metrics: Metrics,
    /// Where the topics begin.
    pub root: Root,
    /// What is configured.
    pub config: DatapointsConfig,
}

/// Datapoints on the bus, as long as it lives.
pub struct Points {
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the tasks share.
struct Shared {
    setup: PointsSetup,
    numbers: Numbers,
    refusals: Refusals,
    stop: CancellationToken,
}

impl Points {
    /// Begins to publish, and to listen for writes where they are allowed.
    #[must_use]
    pub fn start(setup: PointsSetup) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let takes_writes = setup.config.takes_writes(setup.is_foreign);
        let clock = Arc::clone(setup.store.clock());
        let shared = Arc::new(Shared {
            numbers: Numbers::new(&setup.metrics),
            refusals: Refusals::new(Arc::clone(&setup.audit), clock),
            setup,
            stop: stop.clone(),
        });
        tasks.spawn(publisher::publish(Arc::clone(&shared)));
        if takes_writes {
            tasks.spawn(setter::listen(shared, tasks.clone()));
        }
        Self { tasks, stop }
    }

    /// Ends it; writes that are on their way go on without an answer on the bus.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
