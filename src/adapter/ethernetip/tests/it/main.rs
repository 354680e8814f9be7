//! The adapter against controllers on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod browsing;
mod conformance;
mod cpppo;
mod device;
mod faults;
mod foreign;
mod polling;
mod rig;
mod writing;
