//! The node's bus: the embedded broker, off the network.

use std::sync::Arc;

use anyhow::Context;
use mainstem_bus::embedded::{EmbeddedSetup, Gate, Guest, Limits, Login, NotAdmitted, Refused};
use mainstem_bus::{EmbeddedBus, TopicRights};

use super::node::Ground;

/// Nobody comes from outside: there is no listener.
struct Closed;

impl Gate for Closed {
    fn admit(&self, _login: &Login<'_>) -> Result<Guest, NotAdmitted> {
        Err(NotAdmitted::Unknown)
    }

    fn rights(&self, _principal: &str) -> Option<Arc<TopicRights>> {
        None
    }

    fn refused(&self, _refused: &Refused, _more: u64) {}
}

/// Starts the broker.
pub(super) async fn start(ground: &Ground) -> anyhow::Result<Arc<EmbeddedBus>> {
    let setup = EmbeddedSetup {
        folder: ground.folder.join("bus"),
        node: ground.store.setup().node.0,
        limits: Limits::default(),
        gate: Arc::new(Closed),
    };
    let bus = EmbeddedBus::start(setup).await.context("the bus")?;
    Ok(Arc::new(bus))
}
