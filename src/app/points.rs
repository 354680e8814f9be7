//! The node's datapoints on its bus: the part `datapoints:` of the section `bus:`.

use std::sync::Arc;

use mainstem_bus::config::DatapointsConfig;
use mainstem_config::NodeConfig;
use mainstem_points::{Points, PointsSetup, Root, Writers};
use mainstem_security::{Audit, Principal, Tokens};
use mainstem_store::Store;
use mainstem_telemetry::Metrics;
use mainstem_write::WriteDesk;
use tokio::sync::Mutex;

use super::bus::RunningBus;
use super::report::ReloadReport;

const PART: &str = "bus.datapoints";

/// The holders of the node's tokens, with the rights that they have when they write.
struct Holders(Arc<Tokens>);

impl Writers for Holders {
    fn principal(&self, name: &str) -> Option<Principal> {
        self.0.holder(name)
    }
}

/// The datapoints on the bus, if there are any.
pub(super) struct RunningPoints {
    pub(super) store: Arc<Store>,
    pub(super) writes: Arc<WriteDesk>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) audit: Arc<Audit>,
    pub(super) metrics: Metrics,
    pub(super) running: Mutex<Option<(DatapointsConfig, Points)>>,
}

impl RunningPoints {
    /// Makes what runs the same as what is configured.
    pub(super) async fn apply(
        &self,
        config: &NodeConfig,
        bus: &RunningBus,
        report: &mut ReloadReport,
    ) {
        let section = config.bus.as_ref();
        let wanted = section.and_then(|bus| bus.datapoints.as_ref());
        let mut running = self.running.lock().await;
        if running.as_ref().map(|(config, _)| config) == wanted {
            return;
        }
        if let Some((_, points)) = running.take() {
            points.stop().await;
        }
        let is_foreign = bus.is_foreign();
        let (Some(wanted), Some(bus)) = (wanted, bus.bus()) else {
            return;
        };
        let own = || Some(Root::of_node(config.node.name.as_str()));
        let root = match &wanted.root {
            Some(text) => Root::new(text).ok(),
            None => own(),
        };
        // `check` has looked at it already.
        let Some(root) = root else {
            let why = "bus.datapoints.root is no topic".to_owned();
            report.failed.push((PART.to_owned(), why));
            return;
        };
        let setup = PointsSetup {
            bus,
            is_foreign,
            store: Arc::clone(&self.store),
            writes: Arc::clone(&self.writes),
            writers: Arc::new(Holders(Arc::clone(&self.tokens))),
            audit: Arc::clone(&self.audit),
            metrics: self.metrics.clone(),
            root,
            config: wanted.clone(),
        };
        *running = Some((wanted.clone(), Points::start(setup)));
        report.started.push(PART.to_owned());
    }

    /// Ends it.
    pub(super) async fn stop(&self) {
        if let Some((_, points)) = self.running.lock().await.take() {
            points.stop().await;
        }
    }
}
