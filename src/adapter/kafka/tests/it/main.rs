//! Kafka against foreign brokers, and brokers that misbehave.
#![allow(clippy::unwrap_used, missing_docs)]

mod conformance;
mod exploring;
mod hostile;
mod peer;
mod places;
mod reading;
mod secured;
mod writing;
