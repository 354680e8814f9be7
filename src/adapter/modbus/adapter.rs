//! The adapter object: what lasts from session to session.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, SessionEnd};
use mainstem_registers::{READ_BITS_MAX, READ_REGISTERS_MAX, Table};

use crate::binding::Binding;
use crate::block::{Member, Reach};
use crate::config::ConnectionConfig;
use crate::kind::{device, units};
use crate::lanes::{self, CONNECTIONS_MAX, Lane};
use crate::learned::Learned;
use crate::unit::Unit;

/// Bits per register: the limits of bit requests are those of registers, so many times over.
const BITS: u16 = 16;

/// What was learned, by the unit's place and the table.
pub(crate) type Experience = BTreeMap<(usize, Table), Learned>;

/// One configured connection, or several to the same device.
pub(crate) struct ModbusAdapter {
    lanes: Vec<Lane>,
}

/// The configuration in the shape in which sessions use it.
pub(crate) struct Setup {
    /// The connection's options.
    pub(crate) config: ConnectionConfig,
    /// The folder that the files of the configuration are relative to.
    pub(crate) home: PathBuf,
    /// The endpoints of all connections; a datapoint's id is its index here.
    pub(crate) bindings: Arc<[Binding]>,
    /// The number of this connection, from 0 on.
    pub(crate) lane: u8,
    /// The unit addresses in use on it, ascending.
    pub(crate) units: Vec<u8>,
    /// Those of all connections, ascending.
    pub(crate) all_units: Arc<[u8]>,
    /// What is polled together.
    pub(crate) groups: Vec<Group>,
    /// Counts the connections that were opened to the device.
    pub(crate) opened: Arc<AtomicU8>,
}

/// Bindings of one unit, one table and one interval.
pub(crate) struct Group {
    /// The unit's place in [`Setup::units`].
    pub(crate) unit: usize,
    /// The table.
    pub(crate) table: Table,
    /// How often it is polled.
    pub(crate) interval: Duration,
    /// Whether each of them is read alone.
    pub(crate) alone: bool,
    /// The bindings.
    pub(crate) members: Vec<Member>,
}

impl ModbusAdapter {
    /// An adapter that knows nothing about its device yet.
    pub(crate) fn new(config: &ConnectionConfig, home: &Path, bindings: Vec<Binding>) -> Self {
        let lane = |setup| Lane {
            setup,
            experience: Experience::new(),
        };
        Self {
            lanes: Setup::all(config, home, bindings)
                .into_iter()
                .map(lane)
                .collect(),
        }
    }
}

impl Adapter for ModbusAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(lanes::run(&mut self.lanes, io))
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        let bindings = &self.lanes.first()?.setup.bindings;
        bindings.get(point.0 as usize)?.poll
    }
}

impl Setup {
    /// One for each connection. Units go round, so that each has about as many as the others.
    pub(crate) fn all(config: &ConnectionConfig, home: &Path, bindings: Vec<Binding>) -> Vec<Self> {
        let all_units: Arc<[u8]> = units(&bindings).into();
        let (bindings, opened) = (Arc::<[Binding]>::from(bindings), Arc::<AtomicU8>::default());
        let most = u8::try_from(all_units.len().max(1)).unwrap_or(CONNECTIONS_MAX);
        let count = config.max_connections.clamp(1, CONNECTIONS_MAX).min(most);
        let setup = |lane: u8| {
            let own = all_units
                .iter()
                .skip(usize::from(lane))
                .step_by(usize::from(count));
            let units: Vec<u8> = own.copied().collect();
            Self {
                groups: groups(&bindings, &units),
                home: home.to_owned(),
                config: config.clone(),
                bindings: Arc::clone(&bindings),
                lane,
                units,
                all_units: Arc::clone(&all_units),
                opened: Arc::clone(&opened),
            }
        };
        (0..count).map(setup).collect()
    }

    /// The number of the connection of each datapoint's unit.
    pub(crate) fn lanes_of_points(&self) -> Vec<usize> {
        let most = self.all_units.len().max(1);
        let count = usize::from(self.config.max_connections.clamp(1, CONNECTIONS_MAX)).min(most);
        let lane =
            |binding: &Binding| self.all_units.binary_search(&binding.unit).unwrap_or(0) % count;
        self.bindings.iter().map(lane).collect()
    }

    /// How far addresses of a table are put together.
    pub(crate) fn reach(&self, table: Table, alone: bool) -> Reach {
        let config = &self.config;
        // Without batches only bindings of the very same addresses share a request.
        if alone || !config.batch_read_enabled {
            return Reach {
                size_max: 0,
                gap_max: 0,
            };
        }
        if table.has_bits() {
            let size_max = (config.max_batch_size * BITS).min(READ_BITS_MAX);
            return Reach {
                size_max,
                gap_max: config.max_gap * BITS,
            };
        }
        Reach {
            size_max: config.max_batch_size.min(READ_REGISTERS_MAX),
            gap_max: config.max_gap,
        }
    }

    /// The units at the beginning of a session.
    pub(crate) fn fresh_units(&self) -> Vec<Unit> {
        let polled = |place| self.groups.iter().any(|group| group.unit == place);
        let unit =
            |(place, id): (usize, &u8)| Unit::new(*id, device(&self.all_units, *id), polled(place));
        self.units.iter().enumerate().map(unit).collect()
    }

    /// The place of a binding's unit.
    pub(crate) fn unit_of(&self, binding: &Binding) -> usize {
        self.units.binary_search(&binding.unit).unwrap_or(0)
    }
}

/// What is polled together on a connection with these units.
fn groups(bindings: &[Binding], units: &[u8]) -> Vec<Group> {
    let mut groups: BTreeMap<(usize, Table, Duration, bool), Vec<Member>> = BTreeMap::new();
    for (index, binding) in bindings.iter().enumerate() {
        let (Some(interval), Ok(unit)) = (binding.poll, units.binary_search(&binding.unit)) else {
            continue;
        };
        let key = (unit, binding.table, interval, binding.alone);
        groups.entry(key).or_default().push(binding.member(index));
    }
    let group = |((unit, table, interval, alone), members)| Group {
        unit,
        table,
        interval,
        alone,
        members,
    };
    groups.into_iter().map(group).collect()
}
