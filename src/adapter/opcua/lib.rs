//! The adapter kind `opcua`: an OPC UA client for one server. Values come by subscription or by
//! polled reads; writes are converted to the node's own data type. What knows the OPC UA stack
//! stands in `ua`; everything else is pure or speaks in this program's own words.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod browse_path;
mod certificates;
mod connection;
mod endpoint;
mod explore;
mod kind;
mod node_address;
mod plan;
mod polls;
mod quality;
mod redundancy;
mod section;
mod session;
mod ua;

#[cfg(test)]
mod tests;

pub use certificates::server_certificates;
pub use kind::KIND;
pub use ua::identity::{IdentityError, OwnCertificate, ensure as own_certificate};
