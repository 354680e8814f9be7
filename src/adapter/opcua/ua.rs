//! Everything that knows the OPC UA stack (async-opcua). The rest of the crate sees the types
//! that are exported here.

mod browse;
mod endpoints;
pub(crate) mod events;
pub(crate) mod explore;
pub(crate) mod failure;
pub(crate) mod from_device;
pub(crate) mod holding;
pub(crate) mod identity;
mod json;
pub(crate) mod link;
pub(crate) mod method;
pub(crate) mod open;
pub(crate) mod requests;
pub(crate) mod resolve;
mod service_level;
mod socket;
pub(crate) mod structures;
pub(crate) mod subscribe;
pub(crate) mod to_device;
mod trust;
mod user;
mod x509;

pub(crate) use opcua::types::{DataValue, Error, NodeId, ReadValueId, StatusCode};

#[cfg(test)]
mod tests;
