//! The adapter against devices on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod conformance;
mod device;
mod exploring;
mod faults;
mod polling;
mod pymodbus;
mod rig;
mod silence;
mod units;
mod ways;
mod writing;
