//! Modbus servers of a node: datapoints in registers and bits that other systems read, and write
//! where they may. Foreign bytes meet decoders that are pure, and limits that have names.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod connection;
mod door;
mod error;
mod exception;
mod frame;
mod identity;
mod limits;
mod map;
mod outcome;
mod peers;
mod reading;
mod refusals;
mod request;
mod respond;
mod server;
mod writing;

pub use error::ModbusServerError;
pub use server::{ModbusGround, ModbusServer, ModbusSetup, ModbusView};
