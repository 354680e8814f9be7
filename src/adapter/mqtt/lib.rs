//! A client of any MQTT broker: topics become datapoints, and writes are published.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod explore;
mod five;
mod kind;
mod line;
mod payload;
mod plan;
mod session;
mod three;
mod told;
mod writing;

pub use config::{Connection, Operation};
pub use kind::KIND;
