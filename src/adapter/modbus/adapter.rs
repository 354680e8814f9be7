//! The adapter object: what lasts from session to session.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, SessionEnd};
use mainstem_registers::{READ_BITS_MAX, READ_REGISTERS_MAX, Table};

use crate::binding::Binding;
use crate::block::{Member, Reach};
use crate::config::ConnectionConfig;
use crate::kind::{device, units};
use crate::learned::Learned;
use crate::session::Session;
use crate::unit::Unit;

/// Bits per register: the limits of bit requests are those of registers, so many times over.
const BITS: u16 = 16;

/// What was learned, by the unit's place and the table.
pub(crate) type Experience = BTreeMap<(usize, Table), Learned>;

/// One configured connection.
pub(crate) struct ModbusAdapter {
    setup: Setup,
    experience: Experience,
}

/// The configuration in the shape in which sessions use it.
pub(crate) struct Setup {
    /// The connection's options.
    pub(crate) config: ConnectionConfig,
    /// The folder that the files of the configuration are relative to.
    pub(crate) home: PathBuf,
    /// The endpoints; a datapoint's id is its index here.
    pub(crate) bindings: Vec<Binding>,
    /// The unit addresses in use, ascending.
    pub(crate) units: Vec<u8>,
    /// What is polled together.
    pub(crate) groups: Vec<Group>,
}

/// Bindings of one unit, one table and one interval.
pub(crate) struct Group {
    /// The unit's place in [`Setup::units`].
    pub(crate) unit: usize,
    /// The table.
    pub(crate) table: Table,
    /// How often it is polled.
    pub(crate) interval: Duration,
    /// The bindings.
    pub(crate) members: Vec<Member>,
}

impl ModbusAdapter {
    /// An adapter that knows nothing about its device yet.
    pub(crate) fn new(config: ConnectionConfig, home: &Path, bindings: Vec<Binding>) -> Self {
        Self {
            setup: Setup::new(config, home, bindings),
            experience: Experience::new(),
        }
    }
}

impl Adapter for ModbusAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(Session::new(&self.setup, &mut self.experience, io).run())
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        self.setup.bindings.get(point.0 as usize)?.poll
    }
}

impl Setup {
    /// Puts the endpoints into groups.
    pub(crate) fn new(config: ConnectionConfig, home: &Path, bindings: Vec<Binding>) -> Self {
        let units = units(&bindings);
        let mut groups: BTreeMap<(usize, Table, Duration), Vec<Member>> = BTreeMap::new();
        for (index, binding) in bindings.iter().enumerate() {
            let Some(interval) = binding.poll else {
                continue;
            };
            let unit = units.binary_search(&binding.unit).unwrap_or(0);
            let key = (unit, binding.table, interval);
            groups.entry(key).or_default().push(binding.member(index));
        }
        let group = |((unit, table, interval), members)| Group {
            unit,
            table,
            interval,
            members,
        };
        let groups = groups.into_iter().map(group).collect();
        Self {
            home: home.to_owned(),
            config,
            bindings,
            units,
            groups,
        }
    }

    /// How far addresses of a table are put together.
    pub(crate) fn reach(&self, table: Table) -> Reach {
        let config = &self.config;
        // Without batches only bindings of the very same addresses share a request.
        if !config.batch_read_enabled {
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
            |(place, id): (usize, &u8)| Unit::new(*id, device(&self.units, *id), polled(place));
        self.units.iter().enumerate().map(unit).collect()
    }

    /// The place of a binding's unit.
    pub(crate) fn unit_of(&self, binding: &Binding) -> usize {
        self.units.binary_search(&binding.unit).unwrap_or(0)
    }
}
