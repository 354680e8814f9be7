//! The table of running parts. Start, reload and stop are one difference over it: what did not
//! change is not touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mainstem_adapter::AdapterView;
use mainstem_config::{AdapterConfig, NodeConfig};
use mainstem_datalogger::recorder::Book;
use mainstem_http::{PartError, Parts};
use mainstem_model::{Name, Role};
use mainstem_remote::{RemoteConfig, RemoteView};
use mainstem_store::{PointId, SourceId, SourceView, Store};
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_wire::api::explain::{ExplainStep, LinkExplain};
use parking_lot::RwLock;

use super::adapters::RunningAdapter;
use super::links::{self, RunningLink};
use super::loggers::RunningLoggers;
use super::node::ReloadReport;
use super::seat::StoreSite;

/// Adapters and remotes that run, each with the configuration that it was started with.
pub(super) struct RunningParts {
    store: Arc<Store>,
    health: Health,
    site: StoreSite,
    loggers: RunningLoggers,
    adapters: RwLock<BTreeMap<String, (AdapterConfig, Arc<RunningAdapter>)>>,
    remotes: RwLock<BTreeMap<String, (RemoteConfig, Arc<RunningLink>)>>,
}

impl RunningParts {
    pub(super) fn new(store: &Arc<Store>, health: &Health, loggers: RunningLoggers) -> Self {
        let site = StoreSite {
            store: Arc::clone(store),
            health: health.clone(),
            seats: parking_lot::Mutex::default(),
        };
        Self {
            store: Arc::clone(store),
            health: health.clone(),
            site,
            loggers,
            adapters: RwLock::default(),
            remotes: RwLock::default(),
        }
    }

    /// Makes what runs the same as what is configured. A part that cannot be started is a health
    /// problem with its name; the others run.
    pub(super) async fn apply(&self, config: &NodeConfig) -> ReloadReport {
        let mut report = ReloadReport::default();
        self.stop_adapters(config, &mut report).await;
        self.stop_remotes(config, &mut report).await;
        self.move_links(config);
        for adapter in &config.adapters {
            self.start_adapter(adapter, &mut report);
        }
        for remote in &config.remotes {
            self.start_remote(remote, &mut report);
        }
        match self.loggers.apply(config).await {
            Ok(true) => report.started.push("loggers".to_owned()),
            Ok(false) => {}
            Err(error) => {
                let why = self.loggers.failed(&error);
                report.failed.push(("loggers".to_owned(), why));
            }
        }
        report
    }

    /// Takes out what a checkpoint brought back and the configuration no longer has. Providers stay:
    /// they come by themselves.
    pub(super) fn sweep(&self, config: &NodeConfig) {
        let adapters = config.adapters.iter().map(|adapter| adapter.name.as_str());
        let remotes = config.remotes.iter().map(|remote| remote.prefix.as_str());
        let configured: Vec<&str> = adapters.chain(remotes).collect();
        let is_orphan = |source: &SourceView| {
            source.parent.is_none()
                && matches!(source.role, Role::Adapter | Role::Link)
                && !configured.contains(&&*source.name)
        };
        for orphan in self.store.sources().into_iter().filter(is_orphan) {
            tracing::info!(source = %orphan.name, "it is no longer configured and is removed");
            self.store.remove_source(orphan.id);
        }
        self.sweep_own(&configured);
    }

    /// The same for what this node says itself about its parts.
    fn sweep_own(&self, configured: &[&str]) {
        let is_node = |source: &SourceView| source.parent.is_none() && source.role == Role::Node;
        let nodes = self
            .store
            .sources()
            .into_iter()
            .filter(is_node)
            .map(|source| source.id);
        let own = self.store.points_below(&nodes.collect::<Vec<_>>());
        let gone: Vec<PointId> = own
            .into_iter()
            .filter(|&id| {
                let view = self.store.point_by_id(id);
                view.is_some_and(|view| {
                    !configured
                        .iter()
                        .any(|part| view.name.strip(part).is_some())
                })
            })
            .collect();
        self.store.remove_points(&gone);
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
            if !config.remotes.iter().any(stays) {
                link.remove();
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
        match links::start(config, &self.store, &self.health) {
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
        let remotes = std::mem::take(&mut *self.remotes.write());
        for (_, link) in remotes.values() {
            link.stop().await;
        }
        let adapters = std::mem::take(&mut *self.adapters.write());
        for (_, adapter) in adapters.values() {
            adapter.stop().await;
        }
        // Last, so that the end of everything else is recorded.
        self.loggers.stop().await;
    }

    fn with_adapter<T>(&self, name: &str, act: impl FnOnce(&RunningAdapter) -> T) -> Option<T> {
        self.adapters
            .read()
            .get(name)
            .map(|(_, adapter)| act(adapter))
    }

    fn with_remote<T>(&self, name: &str, act: impl FnOnce(&RunningLink) -> T) -> Option<T> {
        self.remotes.read().get(name).map(|(_, link)| act(link))
    }
}

impl Parts for RunningParts {
    fn adapters(&self) -> Vec<AdapterView> {
        self.adapters
            .read()
            .values()
            .map(|(_, adapter)| adapter.runner.view())
            .collect()
    }

    fn adapter(&self, name: &str) -> Option<AdapterView> {
        self.with_adapter(name, |adapter| adapter.runner.view())
    }

    fn pause_adapter(&self, name: &str) -> Result<(), PartError> {
        self.with_adapter(name, |adapter| adapter.runner.pause())
            .ok_or(PartError::Unknown)
    }

    fn resume_adapter(&self, name: &str) -> Result<(), PartError> {
        self.with_adapter(name, |adapter| adapter.runner.resume())
            .ok_or(PartError::Unknown)
    }

    fn remotes(&self) -> Vec<RemoteView> {
        self.remotes
            .read()
            .values()
            .map(|(_, link)| link.view())
            .collect()
    }

    fn remote(&self, name: &str) -> Option<RemoteView> {
        self.with_remote(name, RunningLink::view)
    }

    fn pause_remote(&self, name: &str) -> Result<(), PartError> {
        self.with_remote(name, RunningLink::pause)
            .ok_or(PartError::Unknown)
    }

    fn resume_remote(&self, name: &str) -> Result<(), PartError> {
        self.with_remote(name, RunningLink::resume)
            .ok_or(PartError::Unknown)
    }

    fn resync_remote(&self, name: &str) -> Result<(), PartError> {
        self.with_remote(name, RunningLink::resync)
            .ok_or(PartError::Unknown)
    }

    fn loggers(&self) -> Option<Arc<Book>> {
        self.loggers.book()
    }

    fn explain_below(
        &self,
        link: SourceId,
        ask: LinkExplain,
    ) -> Option<BoxFuture<'static, Vec<ExplainStep>>> {
        let remotes = self.remotes.read();
        let mut links = remotes.values().filter_map(|(_, link)| link.mainstem());
        let found = links.find(|found| found.source() == link)?;
        Some(Box::pin(found.explain(ask)))
    }
}
