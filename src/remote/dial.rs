//! How a connection to a remote comes about. A link runs over whatever a [`Dial`] gives it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// After this long without an acknowledgement of what was sent, the kernel gives a connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(15);

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
            Self::Connect { .. } => false,
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

/// TCP and TLS.
pub struct TlsDial {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whom to trust.
    pub config: Arc<ClientConfig>,
    /// What is spoken.
    pub protocol: Protocol,
}

impl Dial for TlsDial {
    fn dial(&self) -> Dialled<'_> {
        Box::pin(self.open())
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl TlsDial {
    async fn open(&self) -> Result<Box<dyn Io>, DialError> {
        let address = self.address();
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        let socket = connected
            .and_then(|socket| tune(&socket).map(|()| socket))
            .map_err(|source| DialError::Connect {
                address: address.clone(),
                source,
            })?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| {
            let source = io::Error::new(io::ErrorKind::InvalidInput, error);
            DialError::Tls {
                address: address.clone(),
                source,
            }
        })?;
        let connector = TlsConnector::from(self.offered());
        let session = connector
            .connect(name, socket)
            .await
            .map_err(|source| DialError::Tls {
                address: address.clone(),
                source: plain(source),
            })?;
        let agreed = session.get_ref().1.alpn_protocol();
        match self.protocol {
            Protocol::Http2 if agreed != Some(b"h2") => Err(DialError::NotHttp2(address)),
            Protocol::Http1 if agreed == Some(b"h2") => Err(DialError::NotHttp1(address)),
            _ => Ok(Box::new(session)),
        }
    }

    fn offered(&self) -> Arc<ClientConfig> {
        match self.protocol {
            Protocol::Http2 => Arc::clone(&self.config),
            Protocol::Http1 => {
                let mut config = ClientConfig::clone(&self.config);
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            }
        }
    }
}

/// What our own check of the certificate says, without the library's words around it.
fn plain(error: io::Error) -> io::Error {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(why))) => {
            io::Error::new(io::ErrorKind::InvalidData, why.0.to_string())
        }
        _ => error,
    }
}

fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let options = socket2::SockRef::from(socket);
    options.set_tcp_user_timeout(Some(USER_TIMEOUT))
}
