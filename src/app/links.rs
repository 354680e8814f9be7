//! Remote entries of the node file as links.

use std::sync::Arc;

use anyhow::Context;
use mainstem_remote::{
    Delivery, Dial, Link, LinkOptions, Mode, Profile, Protocol, RemoteConfig, TlsDial, Trust,
};
use mainstem_store::Store;
use mainstem_telemetry::Health;

pub(super) fn start(
    config: &RemoteConfig,
    store: &Arc<Store>,
    health: &Health,
) -> anyhow::Result<Link> {
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
        let (host, port, config) = (route.host.clone(), route.port, Arc::clone(&tls));
        let protocol = Protocol::Http2;
        Arc::new(TlsDial {
            host,
            port,
            config,
            protocol,
        }) as Arc<dyn Dial>
    };
    let options = LinkOptions {
        name: config.name.to_string(),
        prefix: config.prefix.to_string(),
        routes: config.routes.iter().map(route).collect(),
        token: config.token.expose().to_owned(),
        timing: config.timing,
        poll: (config.mode == Mode::Poll).then_some(config.poll_interval),
        delivery: match config.delivery {
            Delivery::Every => mainstem_store::Delivery::Every,
            Delivery::Latest => mainstem_store::Delivery::Latest,
        },
        read: if config.datapoints {
            config.read.clone()
        } else {
            Default::default()
        },
        write: config.write.clone(),
        drift: config.drift,
        compressed: config.profile != Profile::Lan,
        paused: config.paused,
    };
    Ok(Link::start(options, Arc::clone(store), health))
}
