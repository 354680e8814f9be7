//! Why a server does not run.

use std::io;
use std::net::SocketAddr;

/// Why a Modbus server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ModbusServerError {
    /// The address cannot be listened on.
    #[error(
        "the Modbus server {id} cannot listen on {address}; give it another `port`, and below 1024 \
         the right to it (docs/MODBUS_SERVER.md)"
    )]
    Listen {
        /// The resource.
        id: String,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// It is to speak TLS, and there is none.
    #[error("the Modbus server {id} has no TLS: the node's own certificate cannot be used")]
    Tls {
        /// The resource.
        id: String,
    },
    /// Its role is not there.
    #[error("the Modbus server {id} acts by the role {role}, which is not there")]
    Role {
        /// The resource.
        id: String,
        /// The role.
        role: String,
    },
}
