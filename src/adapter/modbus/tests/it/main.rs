//! The adapter against devices on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod device;
mod faults;
mod polling;
mod pymodbus;
mod rig;
mod units;
mod writing;
