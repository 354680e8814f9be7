//! The adapter against CPUs on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod conformance;
mod device;
mod exploring;
mod faults;
mod polling;
mod rig;
mod snap7;
mod writing;
