//! The adapter object: what lasts from session to session.

use std::time::Duration;

use mainstem_adapter::{
    Adapter, AdapterIo, BoxFuture, PointId, PollGroup, SessionEnd, poll_groups_of,
};

use crate::binding::Binding;
use crate::config::ConnectionConfig;
use crate::learned::Learned;
use crate::session::Session;

/// One configured connection.
pub(crate) struct AdsAdapter {
    setup: Setup,
    learned: Learned,
}

/// The configuration in the shape in which sessions use it.
pub(crate) struct Setup {
    /// The connection's options.
    pub(crate) config: ConnectionConfig,
    /// The endpoints; a datapoint's id is its index here.
    pub(crate) bindings: Vec<Binding>,
    /// What is polled together, by the indices of the bindings.
    pub(crate) groups: Vec<PollGroup>,
}

impl AdsAdapter {
    /// An adapter that knows nothing about its PLC yet.
    pub(crate) fn new(config: ConnectionConfig, bindings: Vec<Binding>) -> Self {
        let groups = poll_groups_of(bindings.iter().map(|binding| binding.poll));
        Self {
            setup: Setup {
                config,
                bindings,
                groups,
            },
            learned: Learned::default(),
        }
    }
}

impl Adapter for AdsAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(Session::new(&self.setup, &mut self.learned, io).run())
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        let index = usize::try_from(point.0).ok()?;
        self.setup.bindings.get(index)?.poll
    }
}
