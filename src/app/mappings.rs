//! The mappings of the node file, over the node's bus.

use std::sync::{Arc, OnceLock};

use mainstem_bus::Bus;
use mainstem_config::NodeConfig;
use mainstem_mapping::{Mappings, MappingsSetup, StartupNotice};
use mainstem_model::Clock;
use mainstem_security::{Audit, AuditRecord};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Metrics};

use super::node::Ground;
use super::report::ReloadReport;

/// Notes in the audit trail what a mapping published because of a message that was kept from
/// before, since its file told it so.
struct Noted {
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
}

impl StartupNotice for Noted {
    fn passed(&self, mapping: &str, from: &str, to: &str) {
        self.audit.record(AuditRecord {
            at: self.clock.now(),
            principal: format!("mapping {mapping}"),
            address: None,
            action: "mapping.startup".to_owned(),
            target: to.to_owned(),
            outcome: "published".to_owned(),
            detail: format!("because of a message kept on {from}; its startupevents is true"),
        });
    }
}

/// The mappings that run, as soon as there is a bus.
pub(super) struct RunningMappings {
    store: Arc<Store>,
    audit: Arc<Audit>,
    health: Health,
    metrics: Metrics,
    running: OnceLock<Arc<Mappings>>,
}

impl RunningMappings {
    pub(super) fn new(ground: &Ground) -> Self {
        Self {
            store: Arc::clone(&ground.store),
            audit: Arc::clone(&ground.audit),
            health: ground.health.clone(),
            metrics: ground.metrics.clone(),
            running: OnceLock::new(),
        }
    }

    /// The mappings; nothing while there is no bus.
    pub(super) fn get(&self) -> Option<Arc<Mappings>> {
        self.running.get().cloned()
    }

    /// Makes what runs the same as what is configured.
    pub(super) async fn apply(
        &self,
        config: &NodeConfig,
        bus: Option<Arc<dyn Bus>>,
        report: &mut ReloadReport,
    ) {
        let mappings = &config.services.mappings;
        if self.running.get().is_none() {
            let Some(bus) = bus.filter(|_| !mappings.is_empty()) else {
                return;
            };
            match self.start(bus) {
                Ok(started) => drop(self.running.set(Arc::new(started))),
                Err(error) => {
                    let why = format!("no threads for mappings: {error}");
                    report.failed.push(("mappings".to_owned(), why));
                    return;
                }
            }
            report.started.push("mappings".to_owned());
        }
        if let Some(running) = self.running.get() {
            running.apply(mappings).await;
        }
    }

    fn start(&self, bus: Arc<dyn Bus>) -> std::io::Result<Mappings> {
        Mappings::start(MappingsSetup {
            bus,
            node: self.store.setup().node.0,
            clock: Arc::clone(self.store.clock()),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            notice: Arc::new(Noted {
                audit: Arc::clone(&self.audit),
                clock: Arc::clone(self.store.clock()),
            }),
        })
    }

    pub(super) async fn stop(&self) {
        if let Some(running) = self.running.get() {
            running.stop().await;
        }
    }
}
