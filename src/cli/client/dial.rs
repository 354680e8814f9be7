//! Opens a connection to a node and moves it along while somebody waits for an answer.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mainstem_security::{PinMismatch, Trust, client_config};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::cli::connection::Target;
use crate::cli::exit::{Exit, Failure};

/// How long a connection may take, handshake included.
const DIAL_PATIENCE: Duration = Duration::from_secs(5);

/// An open connection. It moves only while something is awaited through it, so it needs no task.
pub(crate) struct Wire {
    sender: SendRequest<Full<Bytes>>,
    connection: Option<Connection>,
}

type Connection = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

impl Wire {
    async fn over<I>(stream: I) -> Result<Self, hyper::Error>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            connection: Some(Box::pin(connection)),
        })
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        let answer = self.sender.send_request(request);
        alongside(&mut self.connection, answer).await
    }

    /// Waits for something that needs the connection.
    pub(crate) async fn alongside<T>(&mut self, work: impl Future<Output = T>) -> T {
        alongside(&mut self.connection, work).await
    }
}

async fn alongside<T>(connection: &mut Option<Connection>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Some(running) = connection {
            // Why it ended is told to whoever waits for the answer.
            if running.as_mut().poll(context).is_ready() {
                *connection = None;
            }
        }
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Connects to a node.
pub(super) async fn dial(target: &Target) -> Result<Wire, Failure> {
    let dialling = async {
        match target {
            Target::Socket(path) => socket(path).await,
            Target::Https { host, port, trust } => https(host, *port, trust).await,
        }
    };
    match tokio::time::timeout(DIAL_PATIENCE, dialling).await {
        Ok(wire) => wire,
        Err(_) => Err(unreachable(
            &target.describe(),
            &format!("no connection within {} s", DIAL_PATIENCE.as_secs()),
        )),
    }
}

async fn socket(path: &Path) -> Result<Wire, Failure> {
    let failed = |error: &dyn Error| {
        let message = format!("cannot reach the node at {}: {error}", path.display());
        Failure::new(Exit::NoCommunication, message).action(
            "see whether the node runs, and whether this user may use its socket; or name \
             another node with -c or --url",
        )
    };
    let stream = UnixStream::connect(path)
        .await
        .map_err(|error| failed(&error))?;
    Wire::over(stream).await.map_err(|error| failed(&error))
}

async fn https(host: &str, port: u16, trust: &Trust) -> Result<Wire, Failure> {
    let at = format!("https://{host}:{port}");
    let config = client_config(trust)
        .map_err(|error| Failure::new(Exit::Usage, format!("{error}: see --ca")))?;
    // An IPv6 address stands in brackets only in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::new(Exit::Usage, format!("{host} is no host name or address")))?;
    let mut config = (*config).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| unreachable(&at, &error.to_string()))?;
    stream
        .set_nodelay(true)
        .map_err(|error| unreachable(&at, &error.to_string()))?;
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| distrusted(&at, &error))?;
    Wire::over(stream)
        .await
        .map_err(|error| unreachable(&at, &error.to_string()))
}

fn unreachable(at: &str, why: &str) -> Failure {
    Failure::new(
        Exit::NoCommunication,
        format!("cannot reach the node at {at}: {why}"),
    )
    .action("see whether the node runs, and whether address and port are right")
}

fn distrusted(at: &str, error: &std::io::Error) -> Failure {
    let message = format!("no secure connection to {at}: {}", innermost(error));
    Failure::new(Exit::NoCommunication, message).action(
        "see whether --ca or --pin belong to this node, and whether a mainstem node listens there",
    )
}

// The pin's own sentence lies below two layers of TLS.
fn innermost(error: &std::io::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(mismatch) = current.downcast_ref::<PinMismatch>() {
            return mismatch.to_string();
        }
        cause = current.source();
    }
    error.to_string()
}
