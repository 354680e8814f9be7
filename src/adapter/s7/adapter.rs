//! The adapter object: what lasts from session to session.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, SessionEnd};

use crate::binding::Binding;
use crate::block::Member;
use crate::config::ConnectionConfig;
use crate::learned::Learned;
use crate::session::Session;

/// One configured connection.
pub(crate) struct S7Adapter {
    setup: Setup,
    learned: Learned,
}

/// The configuration in the shape in which sessions use it.
pub(crate) struct Setup {
    /// The connection's options.
    pub(crate) config: ConnectionConfig,
    /// The endpoints; a datapoint's id is its index here.
    pub(crate) bindings: Vec<Binding>,
    /// What is polled together.
    pub(crate) groups: Vec<Group>,
}

/// Bindings of one interval.
pub(crate) struct Group {
    /// How often it is polled.
    pub(crate) interval: Duration,
    /// The bindings.
    pub(crate) members: Vec<Member>,
}

impl S7Adapter {
    /// An adapter that knows nothing about its CPU yet.
    pub(crate) fn new(config: ConnectionConfig, bindings: Vec<Binding>) -> Self {
        let mut groups: BTreeMap<Duration, Vec<Member>> = BTreeMap::new();
        for (index, binding) in bindings.iter().enumerate() {
            if let Some(interval) = binding.poll {
                let group = groups.entry(interval).or_default();
                group.push(binding.member(index));
            }
        }
        let group = |(interval, members)| Group { interval, members };
        let groups = groups.into_iter().map(group).collect();
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

impl Adapter for S7Adapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(Session::new(&self.setup, &mut self.learned, io).run())
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        let index = usize::try_from(point.0).ok()?;
        self.setup.bindings.get(index)?.poll
    }
}
