//! The mappings of the node file, over the node's bus.

use std::sync::Arc;

use anyhow::Context;
use mainstem_bus::Bus;
use mainstem_mapping::{Mappings, MappingsSetup, StartupNotice};
use mainstem_model::Clock;
use mainstem_security::{Audit, AuditRecord};

use super::node::Ground;

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

/// Starts the threads of mappings, without a mapping.
pub(super) fn start(ground: &Ground, bus: Arc<dyn Bus>) -> anyhow::Result<Arc<Mappings>> {
    let mappings = Mappings::start(MappingsSetup {
        bus,
        node: ground.store.setup().node.0,
        clock: Arc::clone(ground.store.clock()),
        metrics: ground.metrics.clone(),
        health: ground.health.clone(),
        notice: Arc::new(Noted {
            audit: Arc::clone(&ground.audit),
            clock: Arc::clone(ground.store.clock()),
        }),
    });
    Ok(Arc::new(mappings.context("the threads of mappings")?))
}
