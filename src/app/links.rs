//! Remote entries of the node file as links.

use std::sync::Arc;

use anyhow::Context;
use mainstem_model::GlobSet;
use mainstem_remote::{
    Delivery, Dial, HsycoLink, HsycoOptions, Link, LinkOptions, Mode, Profile, Protocol,
    RemoteConfig, RemoteKind, RemoteView, TlsDial, Trust,
};
use mainstem_store::Store;
use mainstem_telemetry::Health;

/// A link of either kind; to the rest of the node they are the same.
pub(super) enum RunningLink {
    Mainstem(Link),
    Hsyco(HsycoLink),
}

impl RunningLink {
    pub(super) fn view(&self) -> RemoteView {
        match self {
            Self::Mainstem(link) => link.view(),
            Self::Hsyco(link) => link.view(),
        }
    }

    pub(super) fn pause(&self) {
        match self {
            Self::Mainstem(link) => link.pause(),
            Self::Hsyco(link) => link.pause(),
        }
    }

    pub(super) fn resume(&self) {
        match self {
            Self::Mainstem(link) => link.resume(),
            Self::Hsyco(link) => link.resume(),
        }
    }

    pub(super) fn resync(&self) {
        match self {
            Self::Mainstem(link) => link.resync(),
            Self::Hsyco(link) => link.resync(),
        }
    }

    /// The link that replicates a node of our own kind: only that can be asked about a write.
    pub(super) fn mainstem(&self) -> Option<&Link> {
        match self {
            Self::Mainstem(link) => Some(link),
            Self::Hsyco(_) => None,
        }
    }

    /// Takes out what came over it. To be called after [`RunningLink::stop`].
    pub(super) fn remove(&self) {
        match self {
            Self::Mainstem(link) => link.remove(),
            Self::Hsyco(link) => link.remove(),
        }
    }

    pub(super) async fn stop(&self) {
        match self {
            Self::Mainstem(link) => link.stop().await,
            Self::Hsyco(link) => link.stop().await,
        }
    }
}

pub(super) fn start(
    config: &RemoteConfig,
    store: &Arc<Store>,
    health: &Health,
) -> anyhow::Result<RunningLink> {
    let store = Arc::clone(store);
    Ok(match config.kind {
        RemoteKind::Mainstem => {
            let options = mainstem(config, routes(config, Protocol::Http2)?);
            RunningLink::Mainstem(Link::start(options, store, health))
        }
        RemoteKind::Hsyco => {
            let options = hsyco(config, routes(config, Protocol::Http1)?);
            RunningLink::Hsyco(HsycoLink::start(options, store, health))
        }
    })
}

fn routes(config: &RemoteConfig, protocol: Protocol) -> anyhow::Result<Vec<Arc<dyn Dial>>> {
    let trust = match &config.trust {
        Trust::Pin(pin) => mainstem_security::Trust::Pin(
            pin.parse()
                .with_context(|| format!("remote {}: pin", config.name))?,
        ),
        Trust::Authority(path) => mainstem_security::Trust::CaFile(path.clone()),
    };
    let tls = mainstem_security::client_config(&trust)
        .with_context(|| format!("remote {}", config.name))?;
    let route = |route: &mainstem_remote::Route| {
        Arc::new(TlsDial {
            host: route.host.clone(),
            port: route.port,
            config: Arc::clone(&tls),
            protocol,
        }) as Arc<dyn Dial>
    };
    Ok(config.routes.iter().map(route).collect())
}

fn mainstem(config: &RemoteConfig, routes: Vec<Arc<dyn Dial>>) -> LinkOptions {
    LinkOptions {
        name: config.name.to_string(),
        prefix: config.prefix.to_string(),
        routes,
        token: config.token.expose().to_owned(),
        timing: config.timing,
        poll: (config.mode == Mode::Poll).then_some(config.poll_interval),
        delivery: match config.delivery {
            Delivery::Every => mainstem_store::Delivery::Every,
            Delivery::Latest => mainstem_store::Delivery::Latest,
        },
        read: read(config),
        write: config.write.clone(),
        events: config.events.clone(),
        drift: config.drift,
        compressed: config.profile != Profile::Lan,
        paused: config.paused,
    }
}

fn hsyco(config: &RemoteConfig, routes: Vec<Arc<dyn Dial>>) -> HsycoOptions {
    HsycoOptions {
        name: config.name.to_string(),
        prefix: config.prefix.to_string(),
        routes,
        password: config.token.clone(),
        timing: config.timing,
        hold: config.poll_interval,
        read: read(config),
        types: config.types.clone(),
        paused: config.paused,
    }
}

fn read(config: &RemoteConfig) -> GlobSet {
    if config.datapoints {
        config.read.clone()
    } else {
        GlobSet::default()
    }
}
