//! HTTP and REST services: polled, asked and written.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod answer;
mod client;
mod config;
mod explore;
mod kind;
mod login;
mod plan;
mod poll;
mod session;

pub use config::{Connection, Operation};
pub use kind::KIND;
