//! Tests against real servers on sockets of their own.
#![allow(clippy::unwrap_used)]

mod conformance;
mod exploring;
mod hostile;
mod rig;
mod service;
