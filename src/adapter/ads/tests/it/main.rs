//! The adapter against PLCs on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod browsing;
mod conformance;
mod device;
mod faults;
mod foreign;
mod polling;
mod pyads;
mod rig;
mod writing;
