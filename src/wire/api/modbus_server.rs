//! The Modbus servers of a node as documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a Modbus server of a node stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModbusServerDocument {
    /// Its resource id.
    pub id: String,
    /// Where it listens.
    pub address: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The role whose rights its clients have.
    pub role: String,
    /// Nodes.
    pub nodes: u64,
    /// Connections.
    pub connections: u64,
    /// Requests answered since its start, exceptions included.
    pub requests: u64,
    /// Connections and requests refused since its start.
    pub refused: u64,
}
