//! Kafka: topics to datapoints, and writes to topics. The protocol is this crate's own, since what is
//! written must never be sent twice; `README.md` says more.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cluster;
mod config;
mod connection;
mod explore;
mod fault;
mod kept;
mod kind;
mod payload;
mod plan;
mod protocol;
mod session;
mod taking;
mod writing;

pub use config::{Connection, Operation};
pub use kind::KIND;
