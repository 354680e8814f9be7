//! Everything that knows the OPC UA stack (async-opcua). The rest of the crate sees the types
//! that are exported here.

mod endpoints;
pub(crate) mod failure;
pub(crate) mod from_device;
pub(crate) mod identity;
mod json;
pub(crate) mod link;
pub(crate) mod open;
pub(crate) mod requests;
mod service_level;
mod socket;
pub(crate) mod subscribe;
pub(crate) mod to_device;
mod trust;
mod user;
mod x509;

pub(crate) use opcua::types::{DataValue, Error, NodeId, StatusCode};

#[cfg(test)]
mod tests;
