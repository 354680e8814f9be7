//! A node from its start to its stop.

mod ground;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mainstem_config::NodeConfig;
use mainstem_http::{Api, Parts, Server, ServerSetup};
use mainstem_model::{Clock, NodeId};
use mainstem_security::{Pin, Tokens};
use mainstem_store::Store;
use mainstem_telemetry::SystemClock;
use mainstem_write::WriteDesk;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access;
use super::bus::BusTls;
use super::canary;
use super::folder::DataFolder;
use super::parts::RunningParts;
use super::report::{ReloadReport, needs_restart};
pub(super) use ground::Ground;

/// How long requests may take to end when the node stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// What others need to know of a running node.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub id: NodeId,
    /// Its data folder.
    pub folder: PathBuf,
    /// The certificate of its own authority, for clients.
    pub ca_file: PathBuf,
    /// The fingerprint of its key, for who replicates it.
    pub pin: Pin,
    /// The administrator's first token, until it is used.
    pub admin_token_file: PathBuf,
    /// Where it serves local programs.
    pub unix_socket: Option<PathBuf>,
}

/// A running node.
pub struct Node {
    facts: NodeFacts,
    folder: DataFolder,
    store: Arc<Store>,
    tokens: Arc<Tokens>,
    api: Arc<Api>,
    server: Server,
    parts: Arc<RunningParts>,
    writes: Arc<WriteDesk>,
    config: Mutex<NodeConfig>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Node {
    /// Starts a node: identity and last state from its data folder, then its parts, then its API.
    pub async fn start(config: NodeConfig) -> anyhow::Result<Self> {
        Self::start_by(config, Arc::new(SystemClock)).await
    }

    /// The same by another clock than the machine's.
    pub async fn start_by(config: NodeConfig, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let ground = Ground::lay(&config, &clock)?;
        let bus_tls = BusTls::new(&ground.identity)?;
        let has_canary = config.node.canary.is_some();
        let parts = Arc::new(RunningParts::new(&ground, bus_tls, has_canary));
        parts.endpoints.set_parts(&parts);
        parts
            .server_nodes
            .set_tree(&(Arc::clone(&parts) as Arc<dyn Parts>));
        ground.store.set_aliases(&config.aliases);
        let report = parts.apply(&config).await;
        parts.sweep(&config);
        ground.store.end_renaming();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let checkpoint = ground.checkpoint();
        tasks.spawn(checkpoint.keep(config.feed.checkpoint, stop.clone()));
        if let Some(every) = config.node.canary {
            let store = Arc::clone(&ground.store);
            tasks.spawn(canary::sing(store, every, stop.clone()));
        }
        let api = ground.api(&config, Arc::clone(&parts) as Arc<dyn Parts>);
        api.set_data(parts.server_nodes.served());
        api.set_hsyco(config.hsyco.as_ref());
        api.set_support(config.support.as_ref());
        let setup = ServerSetup {
            listen: config.listen.clone(),
            tls: mainstem_security::server_config(&ground.identity)?,
            socket: config.unix_socket.clone(),
        };
        let server = Server::start(setup, Arc::clone(&api)).await?;
        parts.serve_uplinks(server.tunnels(), &config).await;
        api.set_ready(true);
        tracing::info!(node = %config.node.name, parts = report.started.len(), "the node is up");
        Ok(Self {
            facts: ground.facts(&config),
            folder: ground.folder,
            store: ground.store,
            tokens: ground.tokens,
            writes: ground.writes,
            api,
            server,
            parts,
            config: Mutex::new(config),
            stop,
            tasks,
        })
    }

    /// The HTTPS listeners as they were bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// What others need to know.
    pub fn facts(&self) -> &NodeFacts {
        &self.facts
    }

    /// What the node knows.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Its running adapters and remotes.
    pub fn parts(&self) -> &dyn Parts {
        &*self.parts
    }

    /// Takes over a changed configuration, which was checked before. What did not change keeps
    /// its session.
    pub async fn reload(&self, config: NodeConfig) -> anyhow::Result<ReloadReport> {
        let mut current = self.config.lock().await;
        let roles = Arc::new(access::roles(&config));
        self.tokens
            .reload(Arc::clone(&roles), access::tokens(&config)?);
        self.api.set_roles(roles);
        self.writes.set_policies(config.policies.clone());
        self.api.set_hsyco(config.hsyco.as_ref());
        self.api.set_support(config.support.as_ref());
        self.store.set_aliases(&config.aliases);
        let mut report = self.parts.apply(&config).await;
        self.api.set_data(self.parts.server_nodes.served());
        self.parts.sweep(&config);
        self.store.end_renaming();
        report.needs_restart = needs_restart(&current, &config);
        if self.parts.bus.needs_restart(&config) {
            report.needs_restart.push("bus");
        }
        *current = config;
        Ok(report)
    }

    /// Stops cleanly: no new requests, no new samples, then the last checkpoint.
    pub async fn stop(self) {
        self.api.set_ready(false);
        self.writes.stop().await;
        self.parts.uplinks.rest();
        self.parts.server_nodes.stop().await;
        self.server.stop(STOP_GRACE).await;
        self.parts.stop().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        tracing::info!(node = self.facts.name, "the node has stopped");
        drop(self.folder);
    }
}
