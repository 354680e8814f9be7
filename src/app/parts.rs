//! The table of running parts. Start, reload and stop are one difference over it: what did not
//! change is not touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstem_adapter::AdapterView;
use mainstem_config::{AdapterConfig, NodeConfig};
use mainstem_http::{PartError, Parts};
use mainstem_remote::{RemoteConfig, RemoteView};
use mainstem_store::Store;
use mainstem_telemetry::{Health, Problem, Severity};
use parking_lot::RwLock;

use super::adapters::RunningAdapter;
use super::links::{self, RunningLink};
use super::node::ReloadReport;
use super::seat::StoreSite;

/// Adapters and remotes that run, each with the configuration that it was started with.
pub(super) struct RunningParts {
    store: Arc<Store>,
    health: Health,
    site: StoreSite,
    adapters: RwLock<BTreeMap<String, (AdapterConfig, Arc<RunningAdapter>)>>,
    remotes: RwLock<BTreeMap<String, (RemoteConfig, Arc<RunningLink>)>>,
}

impl RunningParts {
    pub(super) fn new(store: &Arc<Store>, health: &Health) -> Self {
        let site = StoreSite {
            store: Arc::clone(store),
            health: health.clone(),
            seats: parking_lot::Mutex::default(),
        };
        Self {
            store: Arc::clone(store),
            health: health.clone(),
            site,
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
        for adapter in &config.adapters {
            self.start_adapter(adapter, &mut report);
        }
        for remote in &config.remotes {
            self.start_remote(remote, &mut report);
        }
        report
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
                remote.prefix == running.prefix && remote.kind == running.kind
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
}
