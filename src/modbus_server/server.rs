//! A server from its start to its stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mainstem_security::{AddressList, Audit, Principal, Roles};
use mainstem_service::{ModbusNode, ModbusServerSection};
use mainstem_store::Store;
use mainstem_telemetry::Metrics;
use mainstem_write::WriteDesk;
use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ModbusServerError;
use crate::door::Door;
use crate::identity::Identification;
use crate::limits::STOP_PATIENCE;
use crate::map::Map;
use crate::peers::Peers;
use crate::refusals::Refusals;
use crate::respond::Registers;

/// What a server is, as the node file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModbusSetup {
    /// Its resource id.
    pub id: String,
    /// What the node is called.
    pub node: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its properties.
    pub section: ModbusServerSection,
    /// Its nodes, whose addresses do not meet.
    pub nodes: Vec<ModbusNode>,
}

/// What a server stands on.
#[derive(Clone)]
pub struct ModbusGround {
    /// The version of the program.
    pub version: &'static str,
    /// What the node knows.
    pub store: Arc<Store>,
    /// The one write path.
    pub writes: Arc<WriteDesk>,
    /// Who did what.
    pub audit: Arc<Audit>,
    /// How much there is of everything.
    pub metrics: Metrics,
    /// The node's TLS, for servers that speak it.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// How a server stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModbusView {
    /// Its resource id.
    pub id: String,
    /// Where it listens, with the real port.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The role whose rights its clients have.
    pub role: String,
    /// Nodes.
    pub nodes: usize,
    /// Connections.
    pub connections: usize,
    /// Requests answered since its start.
    pub requests: u64,
    /// Connections and requests refused since its start.
    pub refused: u64,
}

/// A running server. Dropping it ends it; [`stop`](Self::stop) also waits.
pub struct ModbusServer {
    setup: ModbusSetup,
    address: SocketAddr,
    door: Arc<Door>,
}

impl ModbusServer {
    /// Starts serving.
    ///
    /// # Errors
    /// [`ModbusServerError`] when the address is taken, or what it stands on is not there.
    pub async fn start(
        setup: ModbusSetup,
        ground: &ModbusGround,
        roles: &Roles,
    ) -> Result<Self, ModbusServerError> {
        let id = &setup.id;
        let who = principal(&setup, roles).ok_or_else(|| ModbusServerError::Role {
            id: id.clone(),
            role: setup.section.role.clone(),
        })?;
        let tls = match (setup.section.tls, &ground.tls) {
            (false, _) => None,
            (true, Some(config)) => Some(TlsAcceptor::from(Arc::clone(config))),
            (true, None) => return Err(ModbusServerError::Tls { id: id.clone() }),
        };
        let listen = |source| ModbusServerError::Listen {
            id: id.clone(),
            address: setup.listen,
            source,
        };
        let listener = TcpListener::bind(setup.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let door = Arc::new(door(&setup, ground, who, tls));
        let keeper = Arc::clone(&door);
        door.tasks.spawn(async move { keeper.keep(listener).await });
        tracing::info!(%address, id, nodes = door.registers.map.len(), "a Modbus server is up");
        Ok(Self {
            setup,
            address,
            door,
        })
    }

    /// What it was started with.
    #[must_use]
    pub fn setup(&self) -> &ModbusSetup {
        &self.setup
    }

    /// Takes over changed roles; without its own one, nobody may anything.
    pub fn set_roles(&self, roles: &Roles) {
        let nobody = || Principal {
            rights: Arc::default(),
            ..Principal::clone(&self.door.principal())
        };
        let who = principal(&self.setup, roles).unwrap_or_else(nobody);
        *self.door.who.write() = Arc::new(who);
    }

    /// How it stands.
    #[must_use]
    pub fn view(&self) -> ModbusView {
        ModbusView {
            id: self.setup.id.clone(),
            address: self.address,
            tls: self.door.tls.is_some(),
            role: self.setup.section.role.clone(),
            nodes: self.door.registers.map.len(),
            connections: self.door.peers.count(),
            requests: self.door.refusals.requests(),
            refused: self.door.refusals.total(),
        }
    }

    /// Closes every connection and waits until its tasks have ended.
    pub async fn stop(&self) {
        self.door.stop.cancel();
        self.door.tasks.close();
        if tokio::time::timeout(STOP_PATIENCE, self.door.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                id = self.setup.id,
                "a Modbus connection did not end in time"
            );
        }
    }
}

impl Drop for ModbusServer {
    fn drop(&mut self) {
        self.door.stop.cancel();
    }
}

fn principal(setup: &ModbusSetup, roles: &Roles) -> Option<Principal> {
    let role = setup.section.role.clone();
    Some(Principal {
        name: format!("modbus:{}", setup.id),
        rights: roles.get(&role)?,
        role,
        provide: None,
        from: AddressList::default(),
    })
}

fn door(
    setup: &ModbusSetup,
    ground: &ModbusGround,
    who: Principal,
    tls: Option<TlsAcceptor>,
) -> Door {
    let section = &setup.section;
    // The check of the file has read them once; what it did not understand lets nobody in.
    let rules = section.allow.iter().filter_map(|rule| rule.parse().ok());
    let clock = ground.store.clock();
    let refusals = Refusals::new(&setup.id, &ground.metrics, &ground.audit, clock);
    let refusals = Arc::new(refusals);
    Door {
        allow: AddressList::new(rules.collect()),
        idle: section.idle_timeout.max(Duration::from_secs(1)),
        tls,
        who: RwLock::new(Arc::new(who)),
        peers: Arc::new(Peers::new(usize::from(section.max_connections))),
        requests: Semaphore::new(usize::from(section.max_requests)),
        refusals: Arc::clone(&refusals),
        registers: Registers {
            map: Map::new(setup.nodes.clone()),
            not_good: section.not_good,
            gaps: section.gaps,
            store: Arc::clone(&ground.store),
            writes: Arc::clone(&ground.writes),
            refusals,
            identification: Identification::new(ground.version, &setup.node),
        },
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    }
}
