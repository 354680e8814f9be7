//! The bus of a node: the section `bus:`, the broker that it names, and who may come to it.

mod gate;
mod look;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mainstem_bus::config::{BusConfig, EmbeddedConfig, ExternalConfig};
use mainstem_bus::embedded::{EmbeddedBus, EmbeddedSetup, Inlet, Transport};
use mainstem_bus::external::{ExternalBus, ExternalSetup};
use mainstem_bus::{Bus, external};
use mainstem_config::NodeConfig;
use mainstem_model::{Clock, NodeId};
use mainstem_security::{
    Credentials, Identity, Pin, TlsError, Trust, device_config, foreign_server_config,
};
use mainstem_telemetry::{Health, Metrics, Problem, Severity};
use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use gate::TokenGate;
use watch::Since;

const PART: &str = "bus";
/// How long clients may take to be told that the node stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// What a bus needs of the node.
pub(super) struct BusGround {
    pub(super) node: NodeId,
    /// Where the embedded broker keeps what it keeps.
    pub(super) folder: PathBuf,
    /// The node's TLS, as MQTT and as WebSocket.
    pub(super) tls: BusTls,
    pub(super) gate: Arc<TokenGate>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
}

/// The node's TLS for listeners of the bus.
#[derive(Clone)]
pub(super) struct BusTls {
    mqtt: Arc<ServerConfig>,
    websocket: Arc<ServerConfig>,
}

impl BusTls {
    pub(super) fn new(identity: &Identity) -> Result<Self, TlsError> {
        Ok(Self {
            mqtt: foreign_server_config(identity, &[b"mqtt"])?,
            websocket: foreign_server_config(identity, &[b"http/1.1"])?,
        })
    }
}

/// The bus that runs, if one does.
pub(super) struct RunningBus {
    ground: BusGround,
    running: RwLock<Option<Running>>,
    /// Listeners that could not be opened, as they stand on the board.
    shut: Mutex<Vec<String>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Clone)]
struct Running {
    broker: Broker,
    since: Arc<Since>,
    /// The section that it was started with, but for the listeners.
    config: BusConfig,
}

#[derive(Clone)]
enum Broker {
    Embedded(Arc<EmbeddedBus>),
    External(Arc<ExternalBus>, String),
}

impl Broker {
    fn bus(&self) -> Arc<dyn Bus> {
        match self {
            Self::Embedded(bus) => Arc::clone(bus) as _,
            Self::External(bus, _) => Arc::clone(bus) as _,
        }
    }
}

impl RunningBus {
    pub(super) fn new(ground: BusGround) -> Self {
        Self {
            ground,
            running: RwLock::default(),
            shut: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// The bus; nothing if neither the file nor a part of the node wants one.
    pub(super) fn bus(&self) -> Option<Arc<dyn Bus>> {
        let running = self.running.read();
        running.as_ref().map(|running| running.broker.bus())
    }

    /// Whether the broker that runs is a foreign one, whatever the file says by now.
    pub(super) fn is_foreign(&self) -> bool {
        let running = self.running.read();
        let broker = running.as_ref().map(|running| &running.broker);
        matches!(broker, Some(Broker::External(..)))
    }

    /// Makes what runs the same as what is configured, or starts a bus that only this node sees
    /// because something `needs` one. What stands on the bus outlasts a reload, so of a bus that
    /// runs only the listeners change; the rest counts from the next start.
    pub(super) async fn apply(&self, config: &NodeConfig, needs: bool) -> anyhow::Result<bool> {
        let section = config.bus.clone();
        let known = self.running.read().clone();
        if let Some(Running { broker, .. }) = known {
            if let Broker::Embedded(bus) = broker {
                let embedded = section.and_then(|bus| bus.embedded);
                self.listen(&bus, &embedded.unwrap_or_default()).await;
            }
            return Ok(false);
        }
        if section.is_none() && !needs {
            return Ok(false);
        }
        let section = section.unwrap_or_default();
        let embedded = section.embedded.clone().unwrap_or_default();
        let broker = match &section.external {
            Some(external) => self.dial(external)?,
            None => Broker::Embedded(Arc::new(self.embed(&embedded).await?)),
        };
        let since = Arc::new(Since::new(self.ground.clock.now()));
        let running = Running {
            broker,
            since,
            config: section,
        };
        self.tasks.spawn(watch::watch(
            running.clone(),
            self.watching(),
            self.stop.clone(),
        ));
        if let Broker::Embedded(bus) = &running.broker {
            self.listen(bus, &embedded).await;
        }
        *self.running.write() = Some(running);
        self.ground.health.clear("part.bus");
        Ok(true)
    }

    /// Whether a changed section counts only from the next start.
    pub(super) fn needs_restart(&self, config: &NodeConfig) -> bool {
        let without_listeners = |bus: &BusConfig| {
            let mut bus = bus.clone();
            let embedded = bus.embedded.get_or_insert_default();
            embedded.listen.clear();
            // It is a part of its own.
            bus.datapoints = None;
            bus
        };
        let running = self.running.read();
        let Some(running) = running.as_ref() else {
            return false;
        };
        let wanted = config.bus.clone().unwrap_or_default();
        without_listeners(&wanted) != without_listeners(&running.config)
    }

    fn watching(&self) -> watch::Board {
        watch::Board {
            clock: Arc::clone(&self.ground.clock),
            health: self.ground.health.clone(),
            metrics: self.ground.metrics.clone(),
        }
    }

    async fn embed(&self, config: &EmbeddedConfig) -> anyhow::Result<EmbeddedBus> {
        let setup = EmbeddedSetup {
            folder: self.ground.folder.clone(),
            node: self.ground.node.0,
            limits: config.limits(),
            gate: Arc::clone(&self.ground.gate) as _,
        };
        Ok(EmbeddedBus::start(setup).await?)
    }

    fn dial(&self, config: &ExternalConfig) -> anyhow::Result<Broker> {
        let tls = config.tls.then(|| tls(config)).transpose()?;
        let port = config.port.unwrap_or(if config.tls { 8883 } else { 1883 });
        let password = config
            .password
            .as_ref()
            .map(|text| text.expose().to_owned());
        let own = || format!("mainstem-{}", self.ground.node.0);
        let setup = ExternalSetup {
            host: config.host.clone(),
            port,
            tls,
            version: config.version.0,
            client_id: config.client_id.clone().unwrap_or_else(own),
            login: config.user.clone().zip(password),
            keep_alive: config.keep_alive.max(external::KEEP_ALIVE_MIN),
            session: config.session,
            packet_bytes: usize::try_from(config.packet_bytes).unwrap_or(usize::MAX),
            node: self.ground.node.0,
        };
        let address = format!("{}:{port}", config.host);
        Ok(Broker::External(
            Arc::new(ExternalBus::start(&setup)),
            address,
        ))
    }

    /// Opens and closes listeners. One that cannot be opened is a health problem; the others work.
    async fn listen(&self, bus: &EmbeddedBus, config: &EmbeddedConfig) {
        let BusTls { mqtt, websocket } = &self.ground.tls;
        let inlets = config.listen.iter().map(|inlet| {
            let transport = inlet.transport.into();
            let tls = match transport {
                Transport::Tcp => mqtt,
                Transport::WebSocket => websocket,
            };
            Inlet {
                address: inlet.address,
                transport,
                path: inlet.path.clone(),
                tls: inlet.tls.then(|| Arc::clone(tls)),
            }
        });
        let failed = bus.listen(&inlets.collect::<Vec<_>>()).await;
        let mut shut = Vec::with_capacity(failed.len());
        for error in failed {
            let id = format!("bus.listen.{}", error.address);
            self.ground.health.raise(Problem {
                id: id.clone(),
                severity: Severity::High,
                source: PART.to_owned(),
                text: format!("{error}."),
                action: "Free the port or name another one in the node file, and send SIGHUP."
                    .to_owned(),
            });
            shut.push(id);
        }
        let before = std::mem::replace(&mut *self.shut.lock(), shut.clone());
        for id in before.iter().filter(|id| !shut.contains(id)) {
            self.ground.health.clear(id);
        }
    }

    /// Says why there is no bus.
    pub(super) fn failed(&self, error: &anyhow::Error) -> String {
        let text = format!("{error:#}");
        tracing::error!(error = text, "the bus cannot be started");
        self.ground.health.raise(Problem {
            id: format!("part.{PART}"),
            severity: Severity::High,
            source: PART.to_owned(),
            text: format!("The bus could not be started: {text}."),
            action: "Mend what is named and send SIGHUP.".into(),
        });
        text
    }

    /// Ends it: clients are told, and what is to be kept is on disk afterwards.
    pub(super) async fn stop(&self) {
        let running = self.running.write().take();
        match running.map(|running| running.broker) {
            Some(Broker::Embedded(bus)) => bus.stop(STOP_GRACE).await,
            Some(Broker::External(bus, _)) => bus.stop(STOP_GRACE).await,
            None => {}
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// The TLS towards a foreign broker.
fn tls(config: &ExternalConfig) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let trust = match (&config.pin, &config.ca) {
        (Some(pin), _) => Trust::Pin(pin.parse::<Pin>().context("the pin of the MQTT broker")?),
        (None, Some(ca)) => Trust::CaFile(ca.clone()),
        (None, None) => anyhow::bail!("nothing says who the MQTT broker is"),
    };
    let own = config.certificate.clone().zip(config.key.clone());
    let own = own.map(|(certificate, key)| Credentials::Files { certificate, key });
    Ok(device_config(&trust, own.as_ref(), Vec::new())?)
}
