//! Tests against real servers, each started for its test on a port and in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says by a panic what is wrong, and loudly what it leaves out"
)]

mod conformance;
mod hostile;
mod incremental;
mod mariadb;
mod postgres;
mod rig;
mod sqlite;
mod writing;
