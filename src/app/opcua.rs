//! The OPC UA server of a node: there if the node file has a resource `Server::Opcua`.

mod answers;
mod history;
mod nodes;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use mainstem_config::NodeConfig;
use mainstem_datalogger::recorder::Book;
use mainstem_flowsync::FlowSync;
use mainstem_model::NodeId;
use mainstem_opcua_server::{Mode, OpcuaServer, Policy, ServerConfig, ServerGround, ServerNode};
use mainstem_security::{Audit, Roles, Tokens};
use mainstem_service::{OpcuaNode, OpcuaServerSection, SecurityMode, SecurityPolicy, TargetState};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Metrics, Problem, Severity};
use mainstem_write::WriteDesk;
use parking_lot::RwLock;

pub(super) use answers::{certificates, decide, state};
use history::Recordings;

const PART: &str = "opcua-server";

/// The server, if it runs, and what it stands on.
pub(super) struct RunningOpcua {
    pub(super) folder: PathBuf,
    pub(super) node: NodeId,
    pub(super) store: Arc<Store>,
    pub(super) writes: Arc<WriteDesk>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) audit: Arc<Audit>,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
    pub(super) recordings: Arc<Recordings>,
    /// The server nodes that it was started with.
    pub(super) nodes: RwLock<Vec<OpcuaNode>>,
    pub(super) running: RwLock<Option<Arc<OpcuaServer>>>,
}

impl RunningOpcua {
    /// Makes what runs the same as what is configured. Returns whether it was started, or why
    /// that is not possible.
    pub(super) async fn apply(
        &self,
        config: &NodeConfig,
        roles: Arc<Roles>,
        book: Option<Arc<Book>>,
        flow: Option<&Arc<FlowSync>>,
    ) -> anyhow::Result<bool> {
        self.recordings.set(book);
        let wanted = wanted(config);
        let running = self.running.read().clone();
        if let Some(running) = &running
            && Some(running.config()) == wanted.as_ref()
            && *self.nodes.read() == config.services.opcua_nodes
        {
            running.set_roles(roles);
            return Ok(false);
        }
        self.stop().await;
        let Some(wanted) = wanted else {
            self.health.clear(&format!("part.{PART}"));
            return Ok(false);
        };
        let nodes = nodes::make(&config.services.opcua_nodes, flow)?;
        let server = OpcuaServer::start(wanted, self.ground(roles, nodes)).await?;
        self.nodes.write().clone_from(&config.services.opcua_nodes);
        *self.running.write() = Some(Arc::new(server));
        self.health.clear(&format!("part.{PART}"));
        Ok(true)
    }

    fn ground(&self, roles: Arc<Roles>, nodes: Vec<ServerNode>) -> ServerGround {
        ServerGround {
            folder: self.folder.clone(),
            node: self.node,
            store: Arc::clone(&self.store),
            writes: Arc::clone(&self.writes),
            tokens: Arc::clone(&self.tokens),
            roles,
            audit: Arc::clone(&self.audit),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            history: Arc::clone(&self.recordings) as Arc<_>,
            nodes,
        }
    }

    /// Says why the server does not run.
    pub(super) fn failed(&self, error: &anyhow::Error) -> String {
        let text = format!("{error:#}");
        tracing::error!(error = text, "the OPC UA server cannot be started");
        self.health.raise(Problem {
            id: format!("part.{PART}"),
            severity: Severity::High,
            source: PART.to_owned(),
            text: format!("The OPC UA server could not be started: {text}."),
            action: "Mend what is named and send SIGHUP.".into(),
        });
        text
    }

    /// The server, if it runs.
    pub(super) fn server(&self) -> Option<Arc<OpcuaServer>> {
        self.running.read().clone()
    }

    /// Ends it.
    pub(super) async fn stop(&self) {
        let running = self.running.write().take();
        if let Some(server) = running {
            server.stop().await;
        }
    }
}

/// The server that the file wants. It listens where the HTTPS server does, on its own port.
fn wanted(config: &NodeConfig) -> Option<ServerConfig> {
    let section = &config.services.opcua_server.as_ref()?.section;
    if section.target_state != TargetState::Enabled {
        return None;
    }
    let everywhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let ip = config
        .listen
        .first()
        .map_or(everywhere, |listen| listen.address.ip());
    Some(server_config(section, SocketAddr::new(ip, section.port)))
}

fn server_config(section: &OpcuaServerSection, listen: SocketAddr) -> ServerConfig {
    let policy = |policy: &SecurityPolicy| match policy {
        SecurityPolicy::None => Policy::None,
        SecurityPolicy::Basic256Sha256 => Policy::Basic256Sha256,
        SecurityPolicy::Aes128Sha256RsaOaep => Policy::Aes128Sha256RsaOaep,
        SecurityPolicy::Aes256Sha256RsaPss => Policy::Aes256Sha256RsaPss,
    };
    let mode = |mode: &SecurityMode| match mode {
        SecurityMode::None => Mode::None,
        SecurityMode::Sign => Mode::Sign,
        SecurityMode::SignAndEncrypt => Mode::SignAndEncrypt,
    };
    ServerConfig {
        resource_path: section.resource_path.clone(),
        hostname: section.hostname.clone(),
        alternate_hostname: section.alternate_hostname.clone(),
        application_uri: section.application_uri.clone(),
        allow_anonymous: section.allow_anonymous,
        policies: section.security_policies.iter().map(policy).collect(),
        modes: section.security_modes.iter().map(mode).collect(),
        ..ServerConfig::new(listen)
    }
}
