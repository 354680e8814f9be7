//! The uplinks that run: they begin when the node's server is there to serve over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstem_config::NodeConfig;
use mainstem_model::Clock;
use mainstem_remote::{Protocol, Serve, Uplink, UplinkConfig, UplinkOptions, UplinkView};
use mainstem_telemetry::Health;
use parking_lot::RwLock;

use super::links::{dials, trusted};
use super::report::ReloadReport;

/// Uplinks by name, each with the configuration that it was started with.
pub(super) struct Uplinks {
    clock: Arc<dyn Clock>,
    health: Health,
    /// Whom they serve. The server knows the parts, and they know it: the stop ends that circle,
    /// so that what a stopped node held, its locks on files too, is free in the same process.
    serve: RwLock<Option<Arc<dyn Serve>>>,
    running: RwLock<BTreeMap<String, (UplinkConfig, Arc<Uplink>)>>,
}

impl Uplinks {
    pub(super) fn new(clock: &Arc<dyn Clock>, health: &Health) -> Self {
        Self {
            clock: Arc::clone(clock),
            health: health.clone(),
            serve: RwLock::default(),
            running: RwLock::default(),
        }
    }

    /// From now on there is somebody to serve. Only the first one counts.
    pub(super) fn serve(&self, serve: Arc<dyn Serve>) {
        self.serve.write().get_or_insert(serve);
    }

    pub(super) fn views(&self) -> Vec<UplinkView> {
        let running = self.running.read();
        running.values().map(|(_, uplink)| uplink.view()).collect()
    }

    /// Makes what runs the same as what is configured, as far as somebody serves. Names and causes
    /// of those that cannot be started.
    pub(super) async fn apply(
        &self,
        config: &NodeConfig,
        report: &mut ReloadReport,
    ) -> Vec<(String, anyhow::Error)> {
        let serve = self.serve.read().clone();
        let Some(serve) = serve else {
            return Vec::new();
        };
        self.stop_changed(config, report).await;
        let mut failed = Vec::new();
        for uplink in &config.uplinks {
            let name = uplink.name.to_string();
            if self.running.read().contains_key(&name) {
                report.unchanged.push(name);
                continue;
            }
            match self.start(uplink, &serve) {
                Ok(started) => {
                    let part = (uplink.clone(), Arc::new(started));
                    self.running.write().insert(name.clone(), part);
                    report.started.push(name);
                }
                Err(error) => failed.push((name, error)),
            }
        }
        failed
    }

    async fn stop_changed(&self, config: &NodeConfig, report: &mut ReloadReport) {
        let doomed: Vec<(String, Arc<Uplink>)> = self
            .running
            .read()
            .iter()
            .filter(|(_, (running, _))| !config.uplinks.contains(running))
            .map(|(name, (_, uplink))| (name.clone(), Arc::clone(uplink)))
            .collect();
        for (name, uplink) in doomed {
            uplink.stop().await;
            self.running.write().remove(&name);
            if !config
                .uplinks
                .iter()
                .any(|uplink| uplink.name.as_str() == name)
            {
                report.removed.push(name);
            }
        }
    }

    fn start(&self, config: &UplinkConfig, serve: &Arc<dyn Serve>) -> anyhow::Result<Uplink> {
        let tls = trusted(&config.trust, &config.name)?;
        let routes = dials(&config.routes, config.proxy.as_ref(), &tls, Protocol::Http1);
        let options = UplinkOptions {
            name: config.name.to_string(),
            routes,
            token: config.token.expose().to_owned(),
            keepalive: config.keepalive,
            spare: config.spare,
            paused: config.paused,
        };
        Ok(Uplink::start(options, serve, &self.clock, &self.health))
    }

    /// Dials no more, before the server stops.
    pub(super) fn rest(&self) {
        for (_, uplink) in self.running.read().values() {
            uplink.rest();
        }
    }

    pub(super) async fn stop(&self) {
        let running = std::mem::take(&mut *self.running.write());
        for (_, uplink) in running.values() {
            uplink.stop().await;
        }
        *self.serve.write() = None;
    }
}
