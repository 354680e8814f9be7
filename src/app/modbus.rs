//! The Modbus servers of a node: one for each resource `Server::Modbus`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mainstem_config::NodeConfig;
use mainstem_modbus_server::{ModbusGround, ModbusServer, ModbusSetup};
use mainstem_security::Roles;
use mainstem_service::ModbusServer as Declared;
use mainstem_telemetry::{Health, Problem, Severity};
use mainstem_wire::api::ModbusServerDocument;
use parking_lot::RwLock;

use super::report::ReloadReport;

/// The registered ports of Modbus TCP and Modbus/TCP Security.
const PORT: u16 = 502;
const PORT_TLS: u16 = 802;

/// The servers that run, by resource id, and what they stand on.
pub(super) struct RunningModbus {
    pub(super) ground: ModbusGround,
    pub(super) health: Health,
    pub(super) running: RwLock<BTreeMap<String, Arc<ModbusServer>>>,
}

impl RunningModbus {
    /// Makes what runs the same as what is configured: a server that did not change is not
    /// touched, but for the rights of its role.
    pub(super) async fn apply(
        &self,
        config: &NodeConfig,
        roles: &Roles,
        report: &mut ReloadReport,
    ) {
        let wanted: BTreeMap<String, ModbusSetup> = wanted(config);
        self.stop_unwanted(&wanted).await;
        for (id, setup) in wanted {
            let running = self.running.read().get(&id).cloned();
            if let Some(server) = running {
                server.set_roles(roles);
                continue;
            }
            let part = part(&id);
            match ModbusServer::start(setup, &self.ground, roles).await {
                Ok(server) => {
                    self.running.write().insert(id, Arc::new(server));
                    self.health.clear(&format!("part.{part}"));
                    report.started.push(part);
                }
                Err(error) => {
                    let text = format!("{:#}", anyhow::Error::from(error));
                    self.failed(&part, &text);
                    report.failed.push((part, text));
                }
            }
        }
    }

    async fn stop_unwanted(&self, wanted: &BTreeMap<String, ModbusSetup>) {
        let is_doomed = |(id, server): (&String, &Arc<ModbusServer>)| {
            (wanted.get(id) != Some(server.setup())).then(|| id.clone())
        };
        let doomed: Vec<String> = self.running.read().iter().filter_map(is_doomed).collect();
        for id in doomed {
            let server = self.running.write().remove(&id);
            if let Some(server) = server {
                server.stop().await;
            }
        }
        let told = self.health.list();
        let orphans = told.iter().filter(|problem| {
            let id = problem.problem.id.strip_prefix("part.modbus-server.");
            id.is_some_and(|id| !wanted.contains_key(id))
        });
        for problem in orphans {
            self.health.clear(&problem.problem.id);
        }
    }

    fn failed(&self, part: &str, text: &str) {
        tracing::error!(part, error = text, "a Modbus server cannot be started");
        self.health.raise(Problem {
            id: format!("part.{part}"),
            severity: Severity::High,
            source: part.to_owned(),
            text: format!("A Modbus server could not be started: {text}."),
            action: "Mend what is named and send SIGHUP.".into(),
        });
    }

    /// How they stand.
    pub(super) fn documents(&self) -> Vec<ModbusServerDocument> {
        let running = self.running.read();
        let views = running.values().map(|server| server.view());
        let document = |view: mainstem_modbus_server::ModbusView| ModbusServerDocument {
            id: view.id,
            address: view.address.to_string(),
            tls: view.tls,
            role: view.role,
            nodes: view.nodes as u64,
            connections: view.connections as u64,
            requests: view.requests,
            refused: view.refused,
        };
        views.map(document).collect()
    }

    /// Ends them all.
    pub(super) async fn stop(&self) {
        let running = std::mem::take(&mut *self.running.write());
        for server in running.values() {
            server.stop().await;
        }
    }
}

fn part(id: &str) -> String {
    format!("modbus-server.{id}")
}

/// The servers that the file wants. They listen where the HTTPS server does, unless they say more.
fn wanted(config: &NodeConfig) -> BTreeMap<String, ModbusSetup> {
    let servers = config.services.modbus_servers.iter();
    let enabled = servers.filter(|server| server.section.target_state.is_enabled());
    enabled
        .map(|server| (server.id.clone(), setup(config, server)))
        .collect()
}

fn setup(config: &NodeConfig, server: &Declared) -> ModbusSetup {
    let section = server.section.clone();
    let everywhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let https = config.listen.first().map(|listen| listen.address.ip());
    let ip = section.address.or(https).unwrap_or(everywhere);
    let usual = if section.tls { PORT_TLS } else { PORT };
    let nodes = config.services.modbus_nodes.iter();
    ModbusSetup {
        id: server.id.clone(),
        node: config.node.name.to_string(),
        listen: SocketAddr::new(ip, section.port.unwrap_or(usual)),
        section,
        nodes: nodes
            .filter(|node| node.server == server.id)
            .cloned()
            .collect(),
    }
}
