//! One listener: accepts clients, shakes hands, and hands them to the broker.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::MqttError;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::transport::BrokerTransport;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::broker::Broker;
use super::gate::{Breach, Refused};
use super::guard::Guard;
use super::limits::HANDSHAKE_TIME;
use super::websocket;

/// How long to wait when the system has no descriptor for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, or TLS over it.
    Tcp,
    /// WebSocket over the one or the other.
    WebSocket,
}

/// Where clients come in.
#[derive(Clone, Debug)]
pub struct Inlet {
    /// IP address and port.
    pub address: SocketAddr,
    /// What carries the packets.
    pub transport: Transport,
    /// The path of a WebSocket.
    pub path: String,
    /// TLS, unless the line is trusted.
    pub tls: Option<Arc<ServerConfig>>,
}

impl PartialEq for Inlet {
    fn eq(&self, other: &Self) -> bool {
        let same_tls = match (&self.tls, &other.tls) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        self.address == other.address
            && self.transport == other.transport
            && self.path == other.path
            && same_tls
    }
}

/// How a listener and its clients are ended.
#[derive(Clone)]
pub(super) struct Ending {
    /// No more clients, and no more handshakes.
    pub(super) stop: CancellationToken,
    /// Tells the clients, whose sessions are then put away in order.
    pub(super) told: broadcast::Sender<()>,
}

impl Ending {
    pub(super) fn begin(&self) {
        self.stop.cancel();
        // Nobody listens for it when there is no client.
        let _heard = self.told.send(());
    }
}

/// Accepts until it is stopped.
pub(super) async fn accept(
    broker: Arc<Broker>,
    listener: TcpListener,
    inlet: Inlet,
    seats: Arc<Semaphore>,
    ending: Ending,
) {
    loop {
        let accepted = tokio::select! {
            () = ending.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "an MQTT connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let seat = Arc::clone(&seats).try_acquire_owned().ok();
        let may = broker.resources.can_accept_connection(address.ip()).await;
        let Some(seat) = seat.filter(|_| may) else {
            refuse(&broker, address, Breach::Connections);
            continue;
        };
        let client = Client {
            broker: Arc::clone(&broker),
            address,
            ending: ending.clone(),
            _seat: seat,
        };
        let inlet = inlet.clone();
        broker.tasks.spawn(async move {
            // The buffers of the handshakes make it large.
            Box::pin(client.come_in(stream, &inlet)).await;
        });
    }
}

fn refuse(broker: &Broker, address: SocketAddr, breach: Breach) {
    broker.counters.refuse(&Refused {
        principal: None,
        address: Some(address),
        client: String::new(),
        breach,
    });
}

/// A client on its way in.
struct Client {
    broker: Arc<Broker>,
    address: SocketAddr,
    ending: Ending,
    _seat: OwnedSemaphorePermit,
}

impl Client {
    async fn come_in(self, stream: TcpStream, inlet: &Inlet) {
        // Small packets are answered at once; where the system refuses, they come later.
        let _nodelay = stream.set_nodelay(true);
        let outcome = match &inlet.tls {
            None => self.carry(stream, inlet).await,
            Some(tls) => {
                let acceptor = TlsAcceptor::from(Arc::clone(tls));
                match self.shake_hands(acceptor.accept(stream)).await {
                    Ok(stream) => Box::pin(self.carry(stream, inlet)).await,
                    Err(error) => Err(error),
                }
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "an MQTT client did not get through its handshake");
        }
    }

    /// A handshake, as long as it may take and the listener is there.
    async fn shake_hands<T>(&self, shaking: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE_TIME, shaking) => {
                shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
            () = self.ending.stop.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    async fn carry<S>(&self, stream: S, inlet: &Inlet) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    {
        match inlet.transport {
            Transport::Tcp => self.serve(stream).await,
            Transport::WebSocket => {
                let most = self.broker.limits.packet_bytes;
                let shaking = websocket::accept(stream, &inlet.path, most);
                let shaking = async { shaking.await.map_err(io::Error::other) };
                self.serve(self.shake_hands(shaking).await?).await;
            }
        }
        Ok(())
    }

    async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    {
        let broker = &self.broker;
        let counters = Arc::clone(&broker.counters);
        let guard = Guard::new(stream, broker.limits.packet_bytes, self.address, counters);
        let handler = ClientHandler::new(
            BrokerTransport::WebSocket(Box::new(guard)),
            self.address,
            Arc::clone(&broker.config),
            Arc::clone(&broker.router),
            broker.auth(),
            Some(Arc::clone(&broker.storage)),
            Arc::clone(&broker.stats),
            Arc::clone(&broker.resources),
            self.ending.told.subscribe(),
        );
        // The future is as large as the handler.
        let ended = tokio::select! {
            ended = Box::pin(handler.run()) => ended,
            // Only what has not heard of the end in time is cut off.
            () = broker.abort.cancelled() => return,
        };
        let Err(error) = ended else { return };
        match breaks_the_protocol(&error) {
            true => refuse(broker, self.address, Breach::Protocol(error.to_string())),
            false => tracing::debug!(%error, "an MQTT connection has ended"),
        }
    }
}

/// Whether it is the client's packets that have ended the connection. What the door refuses is
/// counted there, what the guard refuses by the guard, which says so as a failed read.
fn breaks_the_protocol(error: &MqttError) -> bool {
    !error.is_normal_disconnect()
        && !matches!(
            error,
            MqttError::Io(_)
                | MqttError::ConnectionError(_)
                | MqttError::Timeout
                | MqttError::KeepAliveTimeout
                | MqttError::AuthenticationFailed
                | MqttError::NotAuthorized
                | MqttError::ServerUnavailable
        )
}
