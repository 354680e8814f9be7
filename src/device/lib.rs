//! Simulated devices: a small plant model and real protocol servers that expose it.
//!
//! The demo and the tests run these in place of a PLC. [`Plant`] is pure (seeded, stepped by
//! hand), [`SharedPlant`] lets several servers look at the same one, [`PlantClock`] makes it
//! live, and [`ModbusDevice`] and [`OpcuaDevice`] speak the protocols over real sockets. The
//! address map stands in this folder's `README.md`. [`PostgresServer`], [`MariadbServer`] and
//! [`InfluxServer`] are no devices: they start real servers of their own, where those are installed.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod clock;
mod influx;
mod mariadb;
mod modbus;
mod opcua;
mod plant;
mod postgres;
mod process;

pub use clock::{PLANT_STEP, PlantClock, SharedPlant};
pub use modbus::{DEFAULT_UNIT, ModbusDevice, ModbusError, ModbusFaults, Table};
pub use opcua::{
    APPLICATION_URI, NAMESPACE_INDEX, NAMESPACE_URI, OpcuaDevice, OpcuaError, OpcuaFaults,
    OpcuaOptions,
};
pub use plant::{MachineState, Plant, PlantError, PlantSnapshot};

pub use influx::InfluxServer;
pub use mariadb::MariadbServer;
pub use postgres::{PostgresServer, Speed};

/// The exception codes a [`ModbusDevice`] answers with, as its protocol library names them.
pub use tokio_modbus::ExceptionCode;

/// The status codes an [`OpcuaDevice`] answers with, as its protocol library names them.
pub use ::opcua::types::StatusCode;
