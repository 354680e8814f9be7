//! Tests against a real InfluxDB 1.x, started for its test on a port and in a folder of its own, and
//! against servers that do what they should not.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says by a panic what is wrong, and loudly what it leaves out"
)]

mod carrying;
mod conformance;
mod hostile;
mod queries;
mod rig;
mod service;
mod version_two;
