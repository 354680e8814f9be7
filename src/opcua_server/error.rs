//! Why the server does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the OPC UA server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpcuaServerError {
    /// The address cannot be listened on.
    #[error("the OPC UA server cannot listen on {address}; give it another `port`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Key and certificate cannot be read or made.
    #[error(
        "the OPC UA server has no certificate in {}: {reason}; make the folder writable, or \
         remove it to have a new one made",
        folder.display()
    )]
    Identity {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// The library refused the configuration.
    #[error("the OPC UA server refuses its configuration: {0}")]
    Configure(String),
}
