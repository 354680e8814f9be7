//! What is known of a request before anything is read of it.

use std::net::SocketAddr;

use mainstem_model::Monotonic;
use mainstem_security::Address;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Over the network.
    Network(SocketAddr),
    /// Through the socket file; the operating system has let him in.
    Local,
}

/// Where a request came from, and when: the clock is read before anything else is done, since the
/// answer to a beat says how long it was here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: Peer,
    pub(crate) at: Monotonic,
}

impl Peer {
    /// For records: address and port, if over a network.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Network(address) => Some(address.to_string()),
            Self::Local => None,
        }
    }

    /// What failures are counted by; local callers are not counted.
    pub(crate) fn address(self) -> Option<Address> {
        match self {
            Self::Network(address) => Some(address.ip().into()),
            Self::Local => None,
        }
    }
}
