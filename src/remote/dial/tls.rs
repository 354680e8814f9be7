//! TLS over whatever way there is: here the remote proves who it is.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::{Dial, DialError, Dialled, Protocol, Reached, Way};

/// A way to a remote, and TLS over it.
pub struct TlsDial {
    /// How bytes get there.
    pub way: Arc<dyn Way>,
    /// The host that its certificate is for, where a certificate decides.
    pub host: String,
    /// Whom to trust.
    pub config: Arc<ClientConfig>,
    /// What is spoken.
    pub protocol: Protocol,
}

impl Dial for TlsDial {
    fn dial(&self) -> Dialled<'_> {
        Box::pin(async { self.open().await.map(|(io, _)| io) })
    }

    fn address(&self) -> String {
        self.way.address()
    }
}

impl TlsDial {
    /// Opens one session, and says where the other end is.
    pub(crate) async fn open(&self) -> Result<Reached, DialError> {
        let address = self.address();
        let (io, from) = self.way.reach().await?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| {
            let source = io::Error::new(io::ErrorKind::InvalidInput, error);
            DialError::Tls {
                address: address.clone(),
                source,
            }
        })?;
        let connector = TlsConnector::from(self.offered());
        let session = connector
            .connect(name, io)
            .await
            .map_err(|source| DialError::Tls {
                address: address.clone(),
                source: plain(source),
            })?;
        let agreed = session.get_ref().1.alpn_protocol();
        match self.protocol {
            Protocol::Http2 if agreed != Some(b"h2") => Err(DialError::NotHttp2(address)),
            Protocol::Http1 if agreed == Some(b"h2") => Err(DialError::NotHttp1(address)),
            _ => Ok((Box::new(session), from)),
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
