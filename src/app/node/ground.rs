//! What a node stands on: its folder, identity, tokens, store and ledger, opened in this order.

use std::sync::Arc;

use anyhow::Context;
use mainstem_config::NodeConfig;
use mainstem_http::{Api, ApiSetup, NodeFacts as ApiFacts, Parts};
use mainstem_modbus_server::ModbusGround;
use mainstem_model::{Clock, Quality, Role};
use mainstem_remote::Serving;
use mainstem_security::{
    ADMIN_TOKEN_FILE, Audit, AuditLimits, Identity, Roles, Tokens, foreign_server_config,
};
use mainstem_store::{Store, StoreLimits, StoreSetup};
use mainstem_telemetry::{Health, Metrics};
use mainstem_wire::Epoch;
use mainstem_write::WriteDesk;

use super::NodeFacts;
use crate::app::access;
use crate::app::bus::{BusGround, BusTls, TokenGate};
use crate::app::checkpoint::Checkpoint;
use crate::app::folder::DataFolder;
use crate::app::loggers::RunningLoggers;
use crate::app::modbus::RunningModbus;
use crate::app::opcua::RunningOpcua;
use crate::app::points::RunningPoints;

/// What everything else stands on, and what needs no task to be there.
pub(in crate::app) struct Ground {
    pub(in crate::app) folder: DataFolder,
    pub(in crate::app) health: Health,
    pub(in crate::app) metrics: Metrics,
    pub(in crate::app) identity: Identity,
    roles: Arc<Roles>,
    pub(in crate::app) tokens: Arc<Tokens>,
    pub(in crate::app) store: Arc<Store>,
    pub(in crate::app) audit: Arc<Audit>,
    pub(in crate::app) writes: Arc<WriteDesk>,
}

impl Ground {
    /// The data loggers, which do not run yet.
    pub(in crate::app) fn loggers(&self) -> RunningLoggers {
        let folder = self.folder.join("loggers");
        RunningLoggers::new(&self.store, &self.health, &self.metrics, folder)
    }

    /// The OPC UA server, which does not run yet.
    pub(in crate::app) fn opcua(&self) -> RunningOpcua {
        RunningOpcua {
            folder: self.folder.join("opcua-server"),
            node: self.identity.id(),
            store: Arc::clone(&self.store),
            writes: Arc::clone(&self.writes),
            tokens: Arc::clone(&self.tokens),
            audit: Arc::clone(&self.audit),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            recordings: Arc::default(),
            nodes: Default::default(),
            running: Default::default(),
        }
    }

    /// The Modbus servers, which do not run yet.
    pub(in crate::app) fn modbus(&self) -> RunningModbus {
        let tls = foreign_server_config(&self.identity, &[]);
        RunningModbus {
            ground: ModbusGround {
                version: env!("CARGO_PKG_VERSION"),
                store: Arc::clone(&self.store),
                writes: Arc::clone(&self.writes),
                audit: Arc::clone(&self.audit),
                metrics: self.metrics.clone(),
                // Without it a server that is to speak TLS says so when it starts.
                tls: tls.ok(),
            },
            health: self.health.clone(),
            running: Default::default(),
        }
    }

    /// The datapoints on the bus, which are not there yet.
    pub(in crate::app) fn points(&self) -> RunningPoints {
        RunningPoints {
            store: Arc::clone(&self.store),
            writes: Arc::clone(&self.writes),
            tokens: Arc::clone(&self.tokens),
            audit: Arc::clone(&self.audit),
            metrics: self.metrics.clone(),
            running: tokio::sync::Mutex::default(),
        }
    }

    /// The bus, which does not run yet.
    pub(in crate::app) fn bus(&self, tls: BusTls) -> BusGround {
        let clock = Arc::clone(self.store.clock());
        let gate = TokenGate {
            tokens: Arc::clone(&self.tokens),
            audit: Arc::clone(&self.audit),
            clock: Arc::clone(&clock),
        };
        BusGround {
            node: self.identity.id(),
            folder: self.folder.join("bus"),
            tls,
            gate: Arc::new(gate),
            clock,
            health: self.health.clone(),
            metrics: self.metrics.clone(),
        }
    }

    pub(super) fn lay(config: &NodeConfig, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let folder = DataFolder::open(&config.node.data)?;
        let (health, metrics) = (Health::new(Arc::clone(clock)), Metrics::new());
        let (name, names) = (config.node.name.as_str(), certificate_names(config));
        let identity = Identity::load_or_create(folder.path(), name, &names, clock.now())?;
        for notice in identity.notices() {
            tracing::warn!(notice, "the node's identity");
        }
        let (path, limits) = (folder.join("audit.log"), AuditLimits::default());
        let audit = Audit::open(&path, limits, Arc::clone(clock), health.clone(), &metrics)?;
        let audit = Arc::new(audit);
        let (roles, declared) = (Arc::new(access::roles(config)), access::tokens(config)?);
        let tokens = Tokens::open(
            folder.path(),
            Arc::clone(&roles),
            declared,
            Arc::clone(clock),
        )?;
        let store = Store::new(store_setup(config, &identity, clock));
        let writes = WriteDesk::open(
            folder.path(),
            Arc::clone(&store),
            Arc::clone(&audit),
            health.clone(),
        )
        .context("the ledger of writes")?;
        writes.set_policies(config.policies.clone());
        let ground = Self {
            folder,
            health,
            metrics,
            identity,
            roles,
            tokens: Arc::new(tokens),
            store,
            audit,
            writes,
        };
        ground.checkpoint().restore();
        ground
            .store
            .put_own_source(None, name, Role::Node, Quality::GOOD, true);
        ground.store.adopt_variables();
        Ok(ground)
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            path: self.folder.join("checkpoint"),
            store: Arc::clone(&self.store),
            health: self.health.clone(),
        }
    }

    pub(super) fn api(&self, config: &NodeConfig, parts: Arc<dyn Parts>) -> Arc<Api> {
        Api::new(ApiSetup {
            facts: ApiFacts {
                description: config.node.description.clone(),
                version: env!("CARGO_PKG_VERSION"),
                roles: role_words(config),
                pin: self.identity.pin().to_string(),
                started: self.store.clock().now(),
            },
            store: Arc::clone(&self.store),
            serving: Arc::new(Serving::new(Arc::clone(&self.store))),
            tokens: Arc::clone(&self.tokens),
            roles: Arc::clone(&self.roles),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            limits: config.limits.clone(),
            parts,
            writes: Arc::clone(&self.writes),
            audit: Arc::clone(&self.audit),
        })
    }

    pub(super) fn facts(&self, config: &NodeConfig) -> NodeFacts {
        NodeFacts {
            name: config.node.name.to_string(),
            id: self.identity.id(),
            folder: self.folder.path().to_owned(),
            ca_file: self.identity.ca_file(),
            pin: self.identity.pin(),
            admin_token_file: self.folder.join(ADMIN_TOKEN_FILE),
            unix_socket: config.unix_socket.clone(),
        }
    }
}

fn store_setup(config: &NodeConfig, identity: &Identity, clock: &Arc<dyn Clock>) -> StoreSetup {
    let epoch = identity.epoch();
    StoreSetup {
        node: identity.id(),
        name: config.node.name.as_str().into(),
        instance: epoch.random,
        epoch: Epoch {
            counter: u32::try_from(epoch.counter).unwrap_or(u32::MAX),
            random: epoch.random,
        },
        clock: Arc::clone(clock),
        limits: StoreLimits {
            log_bytes: usize::try_from(config.feed.log_bytes).unwrap_or(usize::MAX),
            ..StoreLimits::default()
        },
    }
}

/// The names and addresses in the certificate: those of the file, those listened on, and this
/// machine itself.
fn certificate_names(config: &NodeConfig) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    for listen in &config.listen {
        names.extend(listen.names.iter().cloned());
        if !listen.address.ip().is_unspecified() {
            names.push(listen.address.ip().to_string());
        }
    }
    names.sort();
    names.dedup();
    names
}

fn role_words(config: &NodeConfig) -> Vec<String> {
    let mut words = Vec::new();
    if !config.adapters.is_empty() {
        words.push("adapters".to_owned());
    }
    if !config.remotes.is_empty() {
        words.push("concentrator".to_owned());
    }
    words
}
