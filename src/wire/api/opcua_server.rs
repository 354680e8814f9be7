//! The OPC UA server of a node as documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the OPC UA server of a node stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpcuaServerDocument {
    /// Whether it runs. It is off unless the node file has a resource `Server::Opcua`.
    pub running: bool,
    /// The URLs by which clients reach it.
    pub urls: Vec<String>,
    /// SHA-1 of its own certificate, as clients show it.
    pub thumbprint: String,
    /// Connections.
    pub connections: u64,
    /// Sessions.
    pub sessions: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Monitored items.
    pub items: u64,
    /// Connections and logins refused since its start.
    pub refused: u64,
    /// Certificates of clients that wait for a decision.
    pub waiting: u64,
}

/// The certificate of an OPC UA client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CertificateDocument {
    /// SHA-256 of the certificate: its identity here.
    pub thumbprint: String,
    /// SHA-1 of the certificate, as clients show it.
    pub sha1: String,
    /// Its subject, as it claims it.
    pub subject: String,
    /// `waiting`, `trusted` or `refused`.
    pub state: String,
}
