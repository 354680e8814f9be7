//! The table of running parts. Start, reload and stop are one difference over it: what did not
//! change is not touched.

mod ask;
mod sweep;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use mainstem_config::{AdapterConfig, NodeConfig};
use mainstem_model::Name;
use mainstem_remote::{RemoteConfig, Serve, Tunnels};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_write::WriteDesk;
use parking_lot::RwLock;

use super::access;
use super::adapters::RunningAdapter;
use super::bus::{BusTls, RunningBus};
use super::endpoints::RunningEndpoints;
use super::links::{self, RunningLink};
use super::loggers::RunningLoggers;
use super::mappings::RunningMappings;
use super::modbus::RunningModbus;
use super::node::Ground;
use super::opcua::RunningOpcua;
use super::points::RunningPoints;
use super::replicas;
use super::report::ReloadReport;
use super::seat::StoreSite;
use super::server_nodes::ServerNodes;
use super::states::ResourceStates;
use super::uplinks::Uplinks;

/// Adapters and remotes that run, each with the configuration that it was started with.
pub(super) struct RunningParts {
    store: Arc<Store>,
    health: Health,
    /// The data folder.
    folder: PathBuf,
    /// Whether this node has a canary.
    has_canary: bool,
    writes: Arc<WriteDesk>,
    site: StoreSite,
    states: Arc<ResourceStates>,
    loggers: RunningLoggers,
    opcua: RunningOpcua,
    modbus: RunningModbus,
    pub(super) server_nodes: ServerNodes,
    pub(super) mappings: RunningMappings,
    pub(super) endpoints: RunningEndpoints,
    pub(super) bus: RunningBus,
    points: RunningPoints,
    adapters: RwLock<BTreeMap<String, (AdapterConfig, Arc<RunningAdapter>)>>,
    remotes: RwLock<BTreeMap<String, (RemoteConfig, Arc<RunningLink>)>>,
    /// What remotes dialled up.
    tunnels: Tunnels,
    pub(super) uplinks: Uplinks,
}

impl RunningParts {
    pub(super) fn new(ground: &Ground, bus_tls: BusTls, has_canary: bool) -> Self {
        let (store, health) = (&ground.store, &ground.health);
        let states = Arc::new(ResourceStates::default());
        let site = StoreSite {
            states: Arc::clone(&states),
            store: Arc::clone(store),
            health: health.clone(),
            seats: parking_lot::Mutex::default(),
        };
        Self {
            store: Arc::clone(store),
            health: health.clone(),
            folder: ground.folder.path().to_owned(),
            has_canary,
            writes: Arc::clone(&ground.writes),
            site,
            states,
            loggers: ground.loggers(),
            opcua: ground.opcua(),
            modbus: ground.modbus(),
            server_nodes: ServerNodes::new(ground),
            mappings: RunningMappings::new(ground),
            endpoints: RunningEndpoints::new(ground),
            bus: RunningBus::new(ground.bus(bus_tls)),
            points: ground.points(),
            adapters: RwLock::default(),
            remotes: RwLock::default(),
            tunnels: Tunnels::default(),
            uplinks: Uplinks::new(store.clock(), health),
        }
    }

    /// Makes what runs the same as what is configured. A part that cannot be started is a health
    /// problem with its name; the others run.
    pub(super) async fn apply(&self, config: &NodeConfig) -> ReloadReport {
        let mut report = ReloadReport::default();
        self.states.begin(config);
        self.apply_bus(config, &mut report).await;
        self.server_nodes
            .apply(config, self.bus.bus(), &mut report)
            .await;
        self.stop_adapters(config, &mut report).await;
        self.stop_remotes(config, &mut report).await;
        self.move_links(config);
        for adapter in &config.adapters {
            self.start_adapter(adapter, &mut report);
        }
        for remote in &config.remotes {
            self.start_remote(remote, &mut report);
        }
        self.apply_uplinks(config, &mut report).await;
        self.points.apply(config, &self.bus, &mut report).await;
        self.endpoints.apply(config, self.bus.bus()).await;
        self.mappings
            .apply(config, self.bus.bus(), &mut report)
            .await;
        match self.loggers.apply(config).await {
            Ok(true) => report.started.push("loggers".to_owned()),
            Ok(false) => {}
            Err(error) => {
                let why = format!("{error:#}");
                report.failed.push(("loggers".to_owned(), why));
            }
        }
        self.apply_opcua(config, &mut report).await;
        let roles = access::roles(config);
        self.modbus.apply(config, &roles, &mut report).await;
        self.states.applied(config, &report.failed);
        report
    }

    /// After the loggers, whose series are its history.
    async fn apply_opcua(&self, config: &NodeConfig, report: &mut ReloadReport) {
        let roles = Arc::new(access::roles(config));
        let (book, flow) = (self.loggers.book(), self.server_nodes.flow());
        match self.opcua.apply(config, roles, book, flow).await {
            Ok(true) => report.started.push("opcua-server".to_owned()),
            Ok(false) => {}
            Err(error) => {
                let why = self.opcua.failed(&error);
                report.failed.push(("opcua-server".to_owned(), why));
            }
        }
    }

    /// The bus is there before whoever stands on it.
    async fn apply_bus(&self, config: &NodeConfig, report: &mut ReloadReport) {
        match self.bus.apply(config, needs_bus(config)).await {
            Ok(true) => report.started.push("bus".to_owned()),
            Ok(false) => {}
            Err(error) => {
                let why = self.bus.failed(&error);
                report.failed.push(("bus".to_owned(), why));
            }
        }
    }

    /// Starts the uplinks: now there is a server behind them.
    pub(super) async fn serve_uplinks(&self, serve: Arc<dyn Serve>, config: &NodeConfig) {
        self.uplinks.serve(serve);
        self.apply_uplinks(config, &mut ReloadReport::default())
            .await;
    }

    async fn apply_uplinks(&self, config: &NodeConfig, report: &mut ReloadReport) {
        for (name, error) in self.uplinks.apply(config, report).await {
            self.failed(&name, &error, report);
        }
    }

    async fn stop_adapters(&self, config: &NodeConfig, report: &mut ReloadReport) {
        let doomed: Vec<(String, Arc<RunningAdapter>)> = self
            .adapters
            .read()
            .iter()
            .filter(|(_, (running, _))| !config.adapters.contains(running))
            .map(|(name, (_, adapter))| (name.clone(), Arc::clone(adapter)))
            .collect();
        for (name, adapter) in doomed {
            adapter.stop().await;
            self.adapters.write().remove(&name);
            if !config
                .adapters
                .iter()
                .any(|adapter| adapter.name.as_str() == name)
            {
                self.site.remove(&name);
                report.removed.push(name);
            }
        }
    }

    async fn stop_remotes(&self, config: &NodeConfig, report: &mut ReloadReport) {
        let doomed: Vec<(String, RemoteConfig, Arc<RunningLink>)> = self
            .remotes
            .read()
            .iter()
            .filter(|(_, (running, _))| !config.remotes.contains(running))
            .map(|(name, (running, link))| (name.clone(), running.clone(), Arc::clone(link)))
            .collect();
        for (name, running, link) in doomed {
            link.stop().await;
            self.remotes.write().remove(&name);
            self.tunnels.close(&name);
            // Another prefix is another place in the tree, and what a server of another kind told
            // is another tree; only the same one is kept.
            let stays = |remote: &RemoteConfig| {
                let prefix = &running.prefix;
                let is_renamed = config
                    .aliases
                    .iter()
                    .any(|alias| alias.from == *prefix && alias.to == remote.prefix);
                (remote.prefix == *prefix || is_renamed) && remote.kind == running.kind
            };
            match config.remotes.iter().find(|remote| stays(remote)) {
                None => link.remove(),
                Some(remote) if remote.read_variables != running.read_variables => {
                    link.read_anew(&self.store);
                }
                Some(_) => {}
            }
            if !config
                .remotes
                .iter()
                .any(|remote| remote.name.as_str() == name)
            {
                report.removed.push(name);
            }
        }
    }

    /// What came over a link whose prefix has another name now moves there, where an alias says so.
    fn move_links(&self, config: &NodeConfig) {
        let has = |prefix: &Name| config.remotes.iter().any(|remote| remote.prefix == *prefix);
        for alias in &config.aliases {
            let is_renamed = has(&alias.to) && !has(&alias.from);
            if is_renamed && self.store.move_link(&alias.from, &alias.to) {
                tracing::info!(from = %alias.from, to = %alias.to, "a remote has another prefix");
            }
        }
    }

    fn start_adapter(&self, config: &AdapterConfig, report: &mut ReloadReport) {
        let name = config.name.to_string();
        if self.adapters.read().contains_key(&name) {
            report.unchanged.push(name);
            return;
        }
        match RunningAdapter::start(config, &self.site, &self.store) {
            Ok(adapter) => {
                let part = (config.clone(), Arc::new(adapter));
                self.adapters.write().insert(name.clone(), part);
                report.started.push(name);
            }
            Err(error) => self.failed(&name, &error, report),
        }
    }

    fn start_remote(&self, config: &RemoteConfig, report: &mut ReloadReport) {
        let name = config.name.to_string();
        if self.remotes.read().contains_key(&name) {
            report.unchanged.push(name);
            return;
        }
        let beside = links::Beside {
            on_state: self.states.link(config.name.as_str()),
            loggers: replicas::options(config, &self.loggers.running),
        };
        let started = links::start(
            config,
            &self.store,
            &self.health,
            &self.writes,
            &self.tunnels,
            beside,
        );
        match started {
            Ok(link) => {
                let part = (config.clone(), Arc::new(link));
                self.remotes.write().insert(name.clone(), part);
                report.started.push(name);
            }
            Err(error) => self.failed(&name, &error, report),
        }
    }

    fn failed(&self, name: &str, error: &anyhow::Error, report: &mut ReloadReport) {
        let text = format!("{error:#}");
        tracing::error!(
            part = name,
            error = text,
            "a part of the node cannot be started"
        );
        self.health.raise(Problem {
            id: format!("part.{name}"),
            severity: Severity::High,
            source: name.to_owned(),
            text: format!("{name} could not be started: {text}."),
            action: "Mend the node file and send SIGHUP.".into(),
        });
        report.failed.push((name.to_owned(), text));
    }

    /// Ends everything: links first, so that nothing new comes in, then adapters.
    pub(super) async fn stop(&self) {
        self.opcua.stop().await;
        self.modbus.stop().await;
        let remotes = std::mem::take(&mut *self.remotes.write());
        for (_, link) in remotes.values() {
            link.stop().await;
        }
        self.tunnels.stop().await;
        self.uplinks.stop().await;
        let adapters = std::mem::take(&mut *self.adapters.write());
        for (_, adapter) in adapters.values() {
            adapter.stop().await;
        }
        self.points.stop().await;
        self.server_nodes.stop().await;
        self.mappings.stop().await;
        self.endpoints.stop().await;
        self.bus.stop().await;
        // Last, so that the end of everything else is recorded.
        self.loggers.stop().await;
    }
}

/// Whether something in the file stands on a bus, so that there is one without a section `bus:`.
fn needs_bus(config: &NodeConfig) -> bool {
    let services = &config.services;
    let has_nodes = !services.http_nodes.is_empty() || !services.opcua_nodes.is_empty();
    has_nodes || !services.mappings.is_empty() || !config.flowsync.from_below.is_empty()
}
