//! InfluxDB: datapoints out as line protocol, values written, queries in.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod client;
mod config;
mod csv;
mod export;
mod kind;
mod line;
mod plan;
mod session;
mod shape;
mod spool;
mod template;
mod written;

pub use config::{Connection, Operation};
pub use kind::KIND;
