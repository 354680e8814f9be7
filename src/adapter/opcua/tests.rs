//! Tests of whole sessions against a real server, and of the configuration.

mod config;
mod harness;
mod limits;
mod secured;
mod server;
mod sessions;
