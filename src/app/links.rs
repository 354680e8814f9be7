//! Remote entries of the node file as links.

use std::sync::Arc;

use anyhow::Context;
use mainstem_model::{GlobSet, Name};
use mainstem_remote::{
    ClockOptions, Delivery, Dial, DialFrom, DriftAction, HsycoLink, HsycoOptions, Link,
    LinkOptions, LoggerOptions, Mode, Profile, Protocol, ProxyAddress, ProxyWay, RemoteConfig,
    RemoteKind, RemoteView, Route, StateHook, TcpWay, TlsDial, Trust, TunnelQueue, TunnelWay,
    Tunnels, Way,
};
use mainstem_store::Store;
use mainstem_telemetry::Health;
use mainstem_write::WriteDesk;
use rustls::ClientConfig;

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

    pub(super) fn resync(&self, in_full: bool) {
        match self {
            Self::Mainstem(link) => link.resync(in_full),
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

    /// The next one begins with a snapshot: what it lets in was not told to this one.
    pub(super) fn read_anew(&self, store: &Store) {
        if let Some(link) = self.mainstem() {
            store.forget_cursor(link.source());
        }
    }

    pub(super) async fn stop(&self) {
        match self {
            Self::Mainstem(link) => link.stop().await,
            Self::Hsyco(link) => link.stop().await,
        }
    }
}

/// What a link is given besides values and writes.
pub(super) struct Beside {
    /// Whom it tells its state.
    pub(super) on_state: StateHook,
    /// How it replicates data loggers, if it does.
    pub(super) loggers: Option<LoggerOptions>,
}

pub(super) fn start(
    config: &RemoteConfig,
    store: &Arc<Store>,
    health: &Health,
    writes: &Arc<WriteDesk>,
    tunnels: &Tunnels,
    beside: Beside,
) -> anyhow::Result<RunningLink> {
    let store = Arc::clone(store);
    Ok(match config.kind {
        RemoteKind::Mainstem => {
            let mut options = match config.dial {
                DialFrom::Down => mainstem(config, routes(config, Protocol::Http2)?, None, writes),
                DialFrom::Up => {
                    let tls = trusted(&config.trust, &config.name)?;
                    let queue = tunnels.open(config.name.as_str());
                    mainstem(config, vec![up(&queue, tls)], Some(queue), writes)
                }
            };
            options.loggers = beside.loggers;
            options.on_state = Some(beside.on_state);
            RunningLink::Mainstem(Link::start(options, store, health))
        }
        RemoteKind::Hsyco => {
            let mut options = hsyco(config, routes(config, Protocol::Http1)?);
            options.on_state = Some(beside.on_state);
            RunningLink::Hsyco(HsycoLink::start(options, store, health))
        }
    })
}

fn routes(config: &RemoteConfig, protocol: Protocol) -> anyhow::Result<Vec<Arc<dyn Dial>>> {
    let tls = trusted(&config.trust, &config.name)?;
    let dials = dials(&config.routes, config.proxy.as_ref(), &tls, protocol);
    Ok(dials
        .into_iter()
        .map(|dial| dial as Arc<dyn Dial>)
        .collect())
}

/// How the other node has to prove who it is.
pub(super) fn trusted(trust: &Trust, name: &Name) -> anyhow::Result<Arc<ClientConfig>> {
    let trust = match trust {
        Trust::Pin(pin) => {
            let pin = pin.parse();
            mainstem_security::Trust::Pin(pin.with_context(|| format!("{name}: pin"))?)
        }
        Trust::Pair(pins) => {
            let pins: Result<Vec<_>, _> = pins.iter().map(|pin| pin.parse()).collect();
            mainstem_security::Trust::AnyPin(pins.with_context(|| format!("{name}: pin"))?)
        }
        Trust::Authority(path) => mainstem_security::Trust::CaFile(path.clone()),
    };
    mainstem_security::client_config(&trust).with_context(|| name.to_string())
}

/// The routes to another node, each straight or through the proxy.
pub(super) fn dials(
    routes: &[Route],
    proxy: Option<&ProxyAddress>,
    tls: &Arc<ClientConfig>,
    protocol: Protocol,
) -> Vec<Arc<TlsDial>> {
    let dial = |route: &Route| {
        let target = TcpWay {
            host: route.host.clone(),
            port: route.port,
        };
        let way: Arc<dyn Way> = match proxy.cloned() {
            Some(proxy) => Arc::new(ProxyWay { proxy, target }),
            None => Arc::new(target),
        };
        Arc::new(TlsDial {
            way,
            host: route.host.clone(),
            config: Arc::clone(tls),
            protocol,
        })
    };
    routes.iter().map(dial).collect()
}

/// Over the tunnels of a remote that dials up. It is recognised by its key, so that the host counts
/// for nothing.
fn up(queue: &Arc<TunnelQueue>, tls: Arc<ClientConfig>) -> Arc<dyn Dial> {
    Arc::new(TlsDial {
        way: Arc::new(TunnelWay {
            queue: Arc::clone(queue),
        }),
        host: "remote.uplink".to_owned(),
        config: tls,
        protocol: Protocol::Http2,
    })
}

fn mainstem(
    config: &RemoteConfig,
    routes: Vec<Arc<dyn Dial>>,
    tunnels: Option<Arc<TunnelQueue>>,
    writes: &Arc<WriteDesk>,
) -> LinkOptions {
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
        pacing: config.pacing,
        read: read(config),
        write: config.write.clone(),
        read_variables: config.read_variables.clone(),
        write_variables: config.write_variables.clone(),
        clock: ClockOptions {
            drift: config.drift,
            doubts: config.drift_action == DriftAction::Uncertain,
            sync: config.clock_sync.then(|| Arc::clone(writes)),
        },
        events: config.events.clone(),
        is_pair: matches!(config.trust, Trust::Pair(_)),
        startup_events: config.startup_events,
        discovery: config.discovery,
        compressed: config.profile != Profile::Lan,
        one_way: config.one_way,
        tunnels,
        loggers: None,
        on_state: None,
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
        on_state: None,
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
