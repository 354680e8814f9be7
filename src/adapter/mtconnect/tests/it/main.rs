//! Both kinds against machines on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod agent;
mod conformance;
mod cppagent;
mod hostile;
mod rig;
mod scripted;
mod shdr;
