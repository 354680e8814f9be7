//! What a checkpoint brought back and the configuration no longer has.

use mainstem_config::NodeConfig;
use mainstem_model::Role;
use mainstem_store::{PointId, SourceView};

use super::RunningParts;
use crate::app::{canary, loggers};

impl RunningParts {
    /// Takes out what a checkpoint brought back and the configuration no longer has. Providers stay:
    /// they come by themselves.
    pub(in crate::app) fn sweep(&self, config: &NodeConfig) {
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
        self.sweep_own(&configured, config.loggers.is_some());
    }

    /// The same for what this node says itself about its parts.
    fn sweep_own(&self, configured: &[&str], has_loggers: bool) {
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
                let is_canary = |name: &str| self.has_canary && name == canary::NAME;
                let is_storage = |name: &str| has_loggers && loggers::is_storage(name);
                let is_ours = |name: &str| is_canary(name) || is_storage(name);
                view.filter(|view| !is_ours(view.name.as_str()))
                    .is_some_and(|view| {
                        !configured
                            .iter()
                            .any(|part| view.name.strip(part).is_some())
                    })
            })
            .collect();
        self.store.remove_points(&gone);
    }
}
