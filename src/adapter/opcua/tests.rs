//! Tests of whole sessions against a real server, and of the configuration.
#![allow(
    clippy::disallowed_methods,
    reason = "the runtime of each test owns its tasks"
)]

mod config;
mod conformance;
mod harness;
mod hostile;
mod limits;
mod monitoring;
mod secured;
mod server;
mod sessions;
