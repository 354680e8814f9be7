//! The accept loops: TCP with TLS, and a socket file for local clients. Every connection, task and
//! wait is bounded, and stop waits for all of them.

mod connection;
mod idle;
mod listen;
mod tunnels;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mainstem_remote::Serve;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::arrival::Peer;
use crate::{Api, ListenConfig, router};
use connection::Connections;
use tunnels::TunnelServer;

/// Connections through the socket file, beside those of the network: who exhausts the latter does
/// not lock out the administrator.
const LOCAL_CONNECTIONS_MAX: usize = 64;
/// How often silent providers are looked for.
const PROVIDERS_LOOK: Duration = Duration::from_millis(250);
/// A pause when the system gives no connection, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is served where.
pub struct ServerSetup {
    /// Where HTTPS is offered; port 0 is any free one.
    pub listen: Vec<ListenConfig>,
    /// The node's certificate and TLS settings.
    pub tls: Arc<ServerConfig>,
    /// The socket file for local clients, who are administrators.
    pub socket: Option<PathBuf>,
}

/// Why the node cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: is it this machine's, and is the port free?")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The socket file cannot be made.
    #[error("cannot listen at {path}: check its folder and whether another node uses it")]
    Socket {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A running server. Dropping it without [`Server::stop`] ends everything at once.
pub struct Server {
    addresses: Vec<SocketAddr>,
    socket: Option<PathBuf>,
    api: Arc<Api>,
    tunnels: Arc<TunnelServer>,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Listens at all addresses, or at none if one cannot be had.
    pub async fn start(setup: ServerSetup, api: Arc<Api>) -> Result<Self, ServeError> {
        let mut listeners = Vec::new();
        for listen in &setup.listen {
            let address = listen.address;
            let failed = |source| ServeError::Bind { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            if let Some(congestion) = listen.congestion {
                listen::spread(&listener, congestion);
            }
            let bound = listener.local_addr().map_err(failed)?;
            listeners.push((listener, bound));
        }
        let local = match &setup.socket {
            Some(path) => Some(listen::socket_file(path)?),
            None => None,
        };
        let (cut, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = router::router(&api);
        let connections = Connections {
            permits: Arc::new(Semaphore::new(api.limits.connections)),
            api: Arc::clone(&api),
            router,
            cut: cut.clone(),
            tasks: tasks.clone(),
        };
        let tls = TlsAcceptor::from(setup.tls);
        let server = Self {
            tunnels: Arc::new(TunnelServer {
                connections: connections.clone(),
                tls: tls.clone(),
            }),
            addresses: listeners.iter().map(|(_, address)| *address).collect(),
            socket: setup.socket,
            cut,
            tasks,
            api,
        };
        for (listener, _) in listeners {
            let accept = accept_network(connections.clone(), listener, tls.clone());
            server.tasks.spawn(accept);
        }
        if let Some(listener) = local {
            let permits = Arc::new(Semaphore::new(LOCAL_CONNECTIONS_MAX));
            let connections = Connections {
                permits,
                ..connections
            };
            server.tasks.spawn(accept_local(connections, listener));
        }
        server.tasks.spawn(watch_providers(Arc::clone(&server.api)));
        Ok(server)
    }

    /// Serves connections that this node dialled itself.
    pub fn tunnels(&self) -> Arc<dyn Serve> {
        Arc::clone(&self.tunnels) as Arc<dyn Serve>
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more connections, ends endless answers, lets the others end within a time of
    /// grace, and cuts what is left then.
    pub async fn stop(&self, grace: Duration) {
        self.api.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(open = self.tasks.len(), "connections are cut at the stop");
            self.cut.cancel();
            self.tasks.wait().await;
        }
        if let Some(path) = &self.socket {
            drop(std::fs::remove_file(path));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.api.stopping.cancel();
        self.cut.cancel();
    }
}

async fn accept_network(connections: Connections, listener: TcpListener, tls: TlsAcceptor) {
    while let Some(accepted) = connections.unless_stopped(listener.accept()).await {
        match accepted {
            Ok((stream, address)) => {
                let Some(permit) = connections.admit() else {
                    continue;
                };
                listen::tune(&stream);
                let (task, tls) = (connections.clone(), tls.clone());
                connections.tasks.spawn(async move {
                    task.serve_tls(stream, &tls, Peer::Network(address)).await;
                    drop(permit);
                });
            }
            Err(error) => pause(&connections, &error).await,
        }
    }
}

async fn accept_local(connections: Connections, listener: UnixListener) {
    while let Some(accepted) = connections.unless_stopped(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let Some(permit) = connections.admit() else {
                    continue;
                };
                let task = connections.clone();
                connections.tasks.spawn(async move {
                    task.serve_http1(stream, Peer::Local).await;
                    drop(permit);
                });
            }
            Err(error) => pause(&connections, &error).await,
        }
    }
}

/// Looks after providers that fell silent, and after a time for remote support that is over.
async fn watch_providers(api: Arc<Api>) {
    loop {
        tokio::select! {
            () = api.stopping.cancelled() => return,
            () = tokio::time::sleep(PROVIDERS_LOOK) => {
                api.providers.check(&api.store);
                api.end_expired_support();
            }
        }
    }
}

/// Out of descriptors, most likely: the connections that are open go on.
async fn pause(connections: &Connections, error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    connections
        .unless_stopped(tokio::time::sleep(ACCEPT_PAUSE))
        .await;
}
