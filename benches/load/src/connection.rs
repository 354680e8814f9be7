//! One HTTP/2 connection to a node over TLS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body::Body;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::options::NodeOptions;

/// The node may just be starting.
const TRIES: usize = 500;
const TRY_EVERY: Duration = Duration::from_millis(20);
/// Bytes that the node may send before they are read.
const WINDOW: u32 = 1 << 20;

/// Connects, and tries again while nothing listens there or the CA file is not written yet.
pub(crate) async fn connect<B>(node: &NodeOptions) -> anyhow::Result<SendRequest<B>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut tries = 0;
    let socket = loop {
        match TcpStream::connect(&node.addr).await {
            Ok(socket) => break socket,
            Err(_) if tries < TRIES => tries += 1,
            Err(error) => return Err(error).with_context(|| node.addr.clone()),
        }
        tokio::time::sleep(TRY_EVERY).await;
    };
    socket.set_nodelay(true)?;
    let host = node
        .addr
        .rsplit_once(':')
        .map_or(node.addr.as_str(), |(host, _)| host);
    let name = ServerName::try_from(host.to_owned())?;
    let session = TlsConnector::from(trust(&node.ca)?)
        .connect(name, socket)
        .await?;
    let (requests, driver) = Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .handshake(TokioIo::new(session))
        .await?;
    #[expect(clippy::disallowed_methods, reason = "it lives as long as the process")]
    // Its end shows in the requests.
    tokio::spawn(async move { drop(driver.await) });
    Ok(requests)
}

fn trust(ca: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).context("the CA file")? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// A request with the token, for and of frames.
pub(crate) fn request<B>(
    node: &NodeOptions,
    method: Method,
    path: &str,
    body: B,
) -> anyhow::Result<Request<B>> {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://{}{path}", node.addr))
        .header(header::AUTHORIZATION, format!("Bearer {}", node.token))
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .header(header::ACCEPT, "application/x-ndjson")
        .body(body)?;
    Ok(request)
}
