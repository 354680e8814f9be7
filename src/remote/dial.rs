//! How a connection to a remote comes about. A link runs over whatever a [`Dial`] gives it.

mod proxy;
mod tcp;
mod tls;
mod tunnel;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub use proxy::ProxyWay;
pub use tcp::TcpWay;
pub use tls::TlsDial;
pub use tunnel::TunnelWay;

/// What a link runs over.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A future of a dialled connection.
pub type Dialled<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Io>, DialError>> + Send + 'a>>;

/// Makes connections to one remote.
pub trait Dial: Send + Sync {
    /// Opens one connection.
    fn dial(&self) -> Dialled<'_>;

    /// Where it leads, for people and for the `Host` of requests.
    fn address(&self) -> String;
}

/// Bytes to and from a remote, before it proved who it is, and the other end's address.
pub type Reached = (Box<dyn Io>, SocketAddr);

/// A future of bytes to a remote.
pub type Reaching<'a> = Pin<Box<dyn Future<Output = Result<Reached, DialError>> + Send + 'a>>;

/// How bytes get to a remote: directly, through a proxy, or over a connection that it opened.
pub trait Way: Send + Sync {
    /// Gets one byte stream.
    fn reach(&self) -> Reaching<'_>;

    /// Where it leads, for people and for the `Host` of requests.
    fn address(&self) -> String;
}

/// Why a connection did not come up.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// No TCP connection.
    #[error("no TCP connection to {address}")]
    Connect {
        /// Where to.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The proxy makes no connection.
    #[error("the proxy {proxy} makes no connection to {address}: {answer}")]
    Proxy {
        /// The proxy.
        proxy: String,
        /// Where to.
        address: String,
        /// What it answered.
        answer: String,
        /// Whether it said that it never will, as long as nothing is changed.
        is_final: bool,
    },
    /// The remote has to dial up, and has not.
    #[error(
        "no tunnel of the remote waits here: does it run, and does its uplink reach this node?"
    )]
    NoTunnel,
    /// The remote did not prove who it is, or speaks no TLS.
    #[error("no TLS session with {address}")]
    Tls {
        /// Where to.
        address: String,
        /// What TLS says.
        #[source]
        source: io::Error,
    },
    /// Something else answers there.
    #[error("{0} does not speak HTTP/2: it is not a mainstem node")]
    NotHttp2(String),
    /// Something else answers there.
    #[error("{0} does not speak HTTP/1.1: it is not a HSYCO server")]
    NotHttp1(String),
}

impl DialError {
    /// Whether another try soon can help.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::NoTunnel => false,
            Self::Proxy { is_final, .. } => *is_final,
            Self::NotHttp2(_) | Self::NotHttp1(_) => true,
            // A broken connection says the same; a certificate that is not right stays wrong.
            Self::Tls { source, .. } => source.kind() == io::ErrorKind::InvalidData,
        }
    }
}

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2, which the other end has to agree to.
    Http2,
    /// HTTP/1.1, also where the other end does not know how to agree.
    Http1,
}
