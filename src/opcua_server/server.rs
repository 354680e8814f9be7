//! The server from its start to its stop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use mainstem_model::NodeId;
use mainstem_security::{Audit, Roles, Tokens};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Metrics};
use mainstem_write::WriteDesk;
use opcua::server::ServerHandle;
use opcua::server::node_manager::memory::InMemoryNodeManager;
use opcua::types::{VariableId, Variant};
use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gate::{Gate, Peers, Refused};
use crate::history::History;
use crate::limits::STOP_PATIENCE;
use crate::nodes::{ServerNode, ServerNodes};
use crate::setup::{self, Names};
use crate::space::Space;
use crate::users::{Logins, Users};
use crate::watch::Watch;
use crate::{CertificateState, Certificates, OpcuaServerError, ServerConfig, ServerView, identity};

/// Folder of key, certificate and lists within the server's own.
const PKI: &str = "pki";
const CURRENT_SESSIONS: VariableId =
    VariableId::Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSessionCount;
const CURRENT_SUBSCRIPTIONS: VariableId =
    VariableId::Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSubscriptionCount;

/// What the server stands on.
pub struct ServerGround {
    /// The node's own folder for it.
    pub folder: PathBuf,
    /// The node's identity.
    pub node: NodeId,
    /// What the node knows.
    pub store: Arc<Store>,
    /// The one write path.
    pub writes: Arc<WriteDesk>,
    /// Who may come.
    pub tokens: Arc<Tokens>,
    /// What they may do.
    pub roles: Arc<Roles>,
    /// Who did what.
    pub audit: Arc<Audit>,
    /// What is wrong.
    pub health: Health,
    /// How much there is of everything.
    pub metrics: Metrics,
    /// What was recorded.
    pub history: Arc<dyn History>,
    /// The server nodes of the node file, parents before children.
    pub nodes: Vec<ServerNode>,
}

/// A running server. Dropping it ends it; [`stop`](Self::stop) also waits.
pub struct OpcuaServer {
    address: SocketAddr,
    names: Names,
    config: ServerConfig,
    handle: ServerHandle,
    users: Arc<Users>,
    watch: Arc<Watch>,
    certificates: Arc<Certificates>,
    peers: Arc<Peers>,
    refused: Refused,
    stop: CancellationToken,
    /// Ends connections, once the library has said goodbye through them.
    gate_stop: CancellationToken,
    tasks: TaskTracker,
    library: parking_lot::Mutex<Option<JoinHandle<()>>>,
}

impl OpcuaServer {
    /// Starts serving.
    ///
    /// # Errors
    /// [`OpcuaServerError`] when the address is taken or the folder cannot be used.
    pub async fn start(
        config: ServerConfig,
        ground: ServerGround,
    ) -> Result<Self, OpcuaServerError> {
        let listen = |source| OpcuaServerError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let inner = loopback().await.map_err(listen)?;
        let pki = ground.folder.join(PKI);
        let names = names(&config, address, ground.node);
        identity::ensure(&pki, &names.uri, names.hosts.clone()).await?;

        let certificates = Arc::new(Certificates::new(&pki, ground.health.clone()));
        certificates.tell();
        let (peers, refused) = (Arc::new(Peers::default()), Refused::new(&ground.metrics));
        let users = Arc::new(users(&ground, &peers, &refused));
        let watch = Arc::new(Watch::new(Arc::clone(&ground.store), Arc::clone(&users)));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let space = space(&ground, &users, &watch);
        let nodes = (ground.nodes.clone(), Arc::clone(&users));
        let logins = Logins(Arc::clone(&users));
        // The library says goodbye by itself; the gate goes after it.
        let farewell = stop.child_token();
        let (server, handle) = setup::build(
            &config, &pki, address, &names, logins, farewell, nodes, space,
        )?;
        watch.hand_to(handle.subscriptions());
        let namespace = handle.get_namespace_index(crate::space::NAMESPACE);
        let namespace = namespace.ok_or_else(|| {
            OpcuaServerError::Configure("the datapoints' namespace is missing".to_owned())
        })?;
        let gate = Arc::new(Gate {
            config: config.clone(),
            certificates: Arc::clone(&certificates),
            peers: Arc::clone(&peers),
            inner: inner.local_addr().map_err(listen)?,
            refused: refused.clone(),
            stop: CancellationToken::new(),
            tasks: tasks.clone(),
        });
        let own = handle
            .node_managers()
            .get_of_type::<InMemoryNodeManager<ServerNodes>>();
        if let Some(own) = own {
            let (told, ended) = (Arc::clone(handle.subscriptions()), stop.clone());
            tasks.spawn(async move { own.inner().follow(&told, ended).await });
        }
        let info = Arc::clone(handle.info());
        let library = tasks.spawn(async move {
            // The future holds the whole server, so it goes to the heap.
            if let Err(error) = Box::pin(server.run_with(inner)).await {
                tracing::error!(error, "the OPC UA server ended");
            }
        });
        let (following, ended) = (Arc::clone(&watch), stop.clone());
        tasks.spawn(async move { following.follow(namespace, ended).await });
        // The library takes the port that it listens on for the one that clients reach.
        while info.port.load(std::sync::atomic::Ordering::Relaxed) == 0 && !library.is_finished() {
            tokio::task::yield_now().await;
        }
        info.port
            .store(address.port(), std::sync::atomic::Ordering::Relaxed);
        let ended = stop.clone();
        let gate_stop = gate.stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = gate.keep(listener) => {}
                () = ended.cancelled() => {}
            }
        });
        tracing::info!(%address, path = config.resource_path, "the OPC UA server is up");
        Ok(Self {
            address,
            names,
            config,
            handle,
            users,
            watch,
            certificates,
            peers,
            refused,
            stop,
            gate_stop,
            tasks,
            library: parking_lot::Mutex::new(Some(library)),
        })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was started with.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The certificates of its clients.
    #[must_use]
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// Takes over changed roles.
    pub fn set_roles(&self, roles: Arc<Roles>) {
        self.users.set_roles(roles);
    }

    /// How it stands. Looks at the disk.
    #[must_use]
    pub fn view(&self) -> ServerView {
        let own = self.handle.info().server_certificate.as_ref();
        let list = self.certificates.list().unwrap_or_default();
        let is_waiting = |state| state == CertificateState::Waiting;
        ServerView {
            urls: self.names.urls(&self.config, self.address.port()),
            thumbprint: own.map_or_else(String::new, |own| own.thumbprint().as_hex_string()),
            connections: self.peers.count(),
            sessions: self.figure(CURRENT_SESSIONS),
            subscriptions: self.figure(CURRENT_SUBSCRIPTIONS),
            items: self.watch.count(),
            refused: self.refused.total(),
            waiting: list.iter().filter(|view| is_waiting(view.state)).count(),
        }
    }

    fn figure(&self, which: VariableId) -> usize {
        let found = self.handle.info().summary().get(which);
        match found.and_then(|figure| figure.value) {
            Some(Variant::UInt32(count)) => count as usize,
            _ => 0,
        }
    }

    /// Says goodbye to the clients and waits until its tasks have ended.
    pub async fn stop(&self) {
        self.stop.cancel();
        let library = self.library.lock().take();
        if let Some(mut library) = library
            && tokio::time::timeout(STOP_PATIENCE, &mut library)
                .await
                .is_err()
        {
            tracing::warn!("an OPC UA client did not take the goodbye and is dropped");
            library.abort();
        }
        self.gate_stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for OpcuaServer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.gate_stop.cancel();
    }
}

fn users(ground: &ServerGround, peers: &Arc<Peers>, refused: &Refused) -> Users {
    Users {
        tokens: Arc::clone(&ground.tokens),
        roles: RwLock::new(Arc::clone(&ground.roles)),
        audit: Arc::clone(&ground.audit),
        clock: Arc::clone(ground.store.clock()),
        peers: Arc::clone(peers),
        refused: refused.clone(),
        known: parking_lot::Mutex::default(),
        failures: parking_lot::Mutex::default(),
        generation: std::sync::atomic::AtomicU64::new(0),
    }
}

fn space(
    ground: &ServerGround,
    users: &Arc<Users>,
    watch: &Arc<Watch>,
) -> impl FnOnce(u16) -> Space + Send + Sync + 'static {
    let (store, writes) = (Arc::clone(&ground.store), Arc::clone(&ground.writes));
    let history = Arc::clone(&ground.history);
    let (users, watch) = (Arc::clone(users), Arc::clone(watch));
    move |namespace| Space {
        store,
        users,
        writes,
        history,
        watch,
        namespace,
    }
}

/// Where the library listens: an address of this machine that nobody knows, so that who scans the
/// usual one does not come past the gate.
async fn loopback() -> std::io::Result<TcpListener> {
    let [a, b, c] = rand::random::<[u8; 3]>();
    let hidden = Ipv4Addr::new(127, a, b, c.clamp(1, 254));
    match TcpListener::bind(SocketAddr::from((hidden, 0))).await {
        Ok(listener) => Ok(listener),
        // Some systems have one such address only.
        Err(_) => TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
    }
}

fn names(config: &ServerConfig, address: SocketAddr, node: NodeId) -> Names {
    let given = [config.hostname.clone(), config.alternate_hostname.clone()];
    let mut hosts: Vec<String> = given.into_iter().flatten().collect();
    if hosts.is_empty() {
        hosts.push(match address.ip() {
            IpAddr::V4(four) if !four.is_unspecified() => four.to_string(),
            IpAddr::V6(six) if !six.is_unspecified() => format!("[{six}]"),
            _ => machine(),
        });
    }
    let uri = config.application_uri.clone();
    let uri = uri.unwrap_or_else(|| format!("urn:mainstem:opcua-server:{node}"));
    Names { uri, hosts }
}

/// What this machine calls itself.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name.to_owned()
    }
}
