//! The adapter against a real broker behind a cable, and against brokers that mean no good.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "the runtime of each test owns its tasks, and tests have no configuration"
)]

mod broker;
mod conformance;
mod exploring;
mod hostile;
mod rig;
mod secured;
mod topics;
