//! The adapter against devices on real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod bacpypes;
mod cable;
mod changes;
mod conformance;
mod exploring;
mod foreign;
mod hostile;
mod rig;
mod scripted;
