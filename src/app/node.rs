//! A node from its start to its stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mainstem_config::NodeConfig;
use mainstem_http::{Api, ApiSetup, NodeFacts as ApiFacts, Parts, Server, ServerSetup};
use mainstem_model::{Clock, NodeId, Quality, Role};
use mainstem_remote::Serving;
use mainstem_security::{ADMIN_TOKEN_FILE, Audit, AuditLimits, Identity, Pin, Roles, Tokens};
use mainstem_store::{Store, StoreLimits, StoreSetup};
use mainstem_telemetry::{Health, Metrics, SystemClock};
use mainstem_wire::Epoch;
use mainstem_write::WriteDesk;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access;
use super::checkpoint::Checkpoint;
use super::folder::DataFolder;
use super::loggers::RunningLoggers;
use super::parts::RunningParts;

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

/// What a reload did, by the names of the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// Started, or started again because they changed.
    pub started: Vec<String>,
    /// Not touched.
    pub unchanged: Vec<String>,
    /// No longer there.
    pub removed: Vec<String>,
    /// Could not be started, and why.
    pub failed: Vec<(String, String)>,
    /// Sections that changed and count only after a restart.
    pub needs_restart: Vec<&'static str>,
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
        let ground = Ground::lay(&config)?;
        let parts = RunningParts::new(&ground.store, &ground.health, ground.loggers());
        let parts = Arc::new(parts);
        ground.store.set_aliases(&config.aliases);
        let report = parts.apply(&config).await;
        parts.sweep(&config);
        ground.store.end_renaming();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let checkpoint = ground.checkpoint();
        tasks.spawn(checkpoint.keep(config.feed.checkpoint, stop.clone()));
        let api = ground.api(&config, Arc::clone(&parts) as Arc<dyn Parts>);
        api.set_hsyco(config.hsyco.as_ref());
        let setup = ServerSetup {
            listen: config.listen.iter().map(|listen| listen.address).collect(),
            tls: mainstem_security::server_config(&ground.identity)?,
            socket: config.unix_socket.clone(),
        };
        let server = Server::start(setup, Arc::clone(&api)).await?;
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
        self.store.set_aliases(&config.aliases);
        let mut report = self.parts.apply(&config).await;
        self.parts.sweep(&config);
        self.store.end_renaming();
        report.needs_restart = needs_restart(&current, &config);
        *current = config;
        Ok(report)
    }

    /// Stops cleanly: no new requests, no new samples, then the last checkpoint.
    pub async fn stop(self) {
        self.api.set_ready(false);
        self.writes.stop().await;
        self.server.stop(STOP_GRACE).await;
        self.parts.stop().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        tracing::info!(node = self.facts.name, "the node has stopped");
        drop(self.folder);
    }
}

fn store_setup(config: &NodeConfig, identity: &Identity, clock: &Arc<dyn Clock>) -> StoreSetup {
    let epoch = identity.epoch();
    StoreSetup {
        node: identity.id(),
        name: config.node.name.as_str().into(),
        instance: epoch.random,
        epoch: Epoch {
            counter: u32::try_from(epoch.counter).unwrap_or(u32::MAX),
            random: epoch.random,
        },
        clock: Arc::clone(clock),
        limits: StoreLimits {
            log_bytes: usize::try_from(config.feed.log_bytes).unwrap_or(usize::MAX),
            ..StoreLimits::default()
        },
    }
}

/// What everything else stands on, and what needs no task to be there.
struct Ground {
    folder: DataFolder,
    health: Health,
    metrics: Metrics,
    identity: Identity,
    roles: Arc<Roles>,
    tokens: Arc<Tokens>,
    store: Arc<Store>,
    audit: Arc<Audit>,
    writes: Arc<WriteDesk>,
}

impl Ground {
    fn lay(config: &NodeConfig) -> anyhow::Result<Self> {
        let folder = DataFolder::open(&config.node.data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (health, metrics) = (Health::new(Arc::clone(&clock)), Metrics::new());
        let (name, names) = (config.node.name.as_str(), certificate_names(config));
        let identity = Identity::load_or_create(folder.path(), name, &names, clock.now())?;
        for notice in identity.notices() {
            tracing::warn!(notice, "the node's identity");
        }
        let (path, limits) = (folder.join("audit.log"), AuditLimits::default());
        let audit = Audit::open(&path, limits, Arc::clone(&clock), health.clone(), &metrics)?;
        let audit = Arc::new(audit);
        let (roles, declared) = (Arc::new(access::roles(config)), access::tokens(config)?);
        let tokens = Tokens::open(
            folder.path(),
            Arc::clone(&roles),
            declared,
            Arc::clone(&clock),
        )?;
        let store = Store::new(store_setup(config, &identity, &clock));
        let writes = WriteDesk::open(
            folder.path(),
            Arc::clone(&store),
            Arc::clone(&audit),
            health.clone(),
        )
        .context("the ledger of writes")?;
        writes.set_policies(config.policies.clone());
        let ground = Self {
            folder,
            health,
            metrics,
            identity,
            roles,
            tokens: Arc::new(tokens),
            store,
            audit,
            writes,
        };
        ground.checkpoint().restore();
        ground
            .store
            .put_own_source(None, name, Role::Node, Quality::GOOD, true);
        Ok(ground)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            path: self.folder.join("checkpoint"),
            store: Arc::clone(&self.store),
            health: self.health.clone(),
        }
    }

    fn loggers(&self) -> RunningLoggers {
        RunningLoggers {
            store: Arc::clone(&self.store),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            folder: self.folder.join("loggers"),
            running: RwLock::default(),
        }
    }

    fn api(&self, config: &NodeConfig, parts: Arc<dyn Parts>) -> Arc<Api> {
        Api::new(ApiSetup {
            facts: ApiFacts {
                description: config.node.description.clone(),
                version: env!("CARGO_PKG_VERSION"),
                roles: role_words(config),
                pin: self.identity.pin().to_string(),
                started: self.store.clock().now(),
            },
            store: Arc::clone(&self.store),
            serving: Arc::new(Serving::new(Arc::clone(&self.store))),
            tokens: Arc::clone(&self.tokens),
            roles: Arc::clone(&self.roles),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            limits: config.limits.clone(),
            parts,
            writes: Arc::clone(&self.writes),
            audit: Arc::clone(&self.audit),
        })
    }

    fn facts(&self, config: &NodeConfig) -> NodeFacts {
        NodeFacts {
            name: config.node.name.to_string(),
            id: self.identity.id(),
            folder: self.folder.path().to_owned(),
            ca_file: self.identity.ca_file(),
            pin: self.identity.pin(),
            admin_token_file: self.folder.join(ADMIN_TOKEN_FILE),
            unix_socket: config.unix_socket.clone(),
        }
    }
}

/// The names and addresses in the certificate: those of the file, those listened on, and this
/// machine itself.
fn certificate_names(config: &NodeConfig) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    for listen in &config.listen {
        names.extend(listen.names.iter().cloned());
        if !listen.address.ip().is_unspecified() {
            names.push(listen.address.ip().to_string());
        }
    }
    names.sort();
    names.dedup();
    names
}

fn role_words(config: &NodeConfig) -> Vec<String> {
    let mut words = Vec::new();
    if !config.adapters.is_empty() {
        words.push("adapters".to_owned());
    }
    if !config.remotes.is_empty() {
        words.push("concentrator".to_owned());
    }
    words
}

fn needs_restart(old: &NodeConfig, new: &NodeConfig) -> Vec<&'static str> {
    let mut sections = Vec::new();
    let mut note = |is_same: bool, section| {
        if !is_same {
            sections.push(section);
        }
    };
    note(old.node == new.node, "node");
    note(old.listen == new.listen, "listen");
    note(old.unix_socket == new.unix_socket, "unix_socket");
    note(old.feed == new.feed, "feed");
    note(old.limits == new.limits, "limits");
    note(old.log == new.log, "log");
    sections
}
