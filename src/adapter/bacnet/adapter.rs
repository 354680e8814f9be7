//! The adapter object: what lasts from session to session.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, SessionEnd};

use crate::binding::Binding;
use crate::codec::network::Station;
use crate::codec::{DEVICE, ObjectId};
use crate::config::ConnectionConfig;
use crate::learned::Learned;
use crate::session::Session;

/// One configured connection: one device.
pub(crate) struct BacnetAdapter {
    setup: Setup,
    learned: Learned,
}

/// The configuration in the shape in which sessions use it.
pub(crate) struct Setup {
    /// The connection's options.
    pub(crate) config: ConnectionConfig,
    /// Where the device is behind a router; its address there may be empty.
    pub(crate) station: Option<Station>,
    /// The endpoints; a datapoint's id is its index here.
    pub(crate) bindings: Vec<Binding>,
    /// What is polled together: bindings in the order of their objects.
    pub(crate) groups: Vec<Group>,
    /// The bindings of objects that are subscribed to.
    pub(crate) told: BTreeMap<ObjectId, Vec<usize>>,
}

/// Bindings of one interval.
pub(crate) struct Group {
    pub(crate) interval: Duration,
    pub(crate) members: Vec<usize>,
}

impl Setup {
    pub(crate) fn new(
        config: ConnectionConfig,
        station: Option<Station>,
        bindings: Vec<Binding>,
    ) -> Self {
        let mut groups: BTreeMap<Duration, Vec<usize>> = BTreeMap::new();
        let mut told: BTreeMap<ObjectId, Vec<usize>> = BTreeMap::new();
        for (index, binding) in bindings.iter().enumerate() {
            let Some(interval) = binding.poll else {
                continue;
            };
            groups.entry(interval).or_default().push(index);
            if binding.cov {
                told.entry(binding.target.object).or_default().push(index);
            }
        }
        let group = |(interval, mut members): (Duration, Vec<usize>)| {
            members.sort_by_key(|index| bindings[*index].target);
            Group { interval, members }
        };
        let groups = groups.into_iter().map(group).collect();
        Self {
            config,
            station,
            bindings,
            groups,
            told,
        }
    }

    /// The device's own object.
    pub(crate) fn device(&self) -> ObjectId {
        ObjectId {
            kind: DEVICE,
            instance: self.config.device_instance,
        }
    }
}

impl BacnetAdapter {
    /// An adapter that knows nothing about its device yet.
    pub(crate) fn new(setup: Setup) -> Self {
        let learned = Learned::new(setup.config.max_batch);
        Self { setup, learned }
    }
}

impl Adapter for BacnetAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(Session::serve(&self.setup, &mut self.learned, io))
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        let index = usize::try_from(point.0).ok()?;
        self.setup.bindings.get(index)?.poll
    }
}
