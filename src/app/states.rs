//! The states of this node's resources, in the words of Connectware, for the kind that shows them.
//! Adapters and links tell theirs as they change; servers, server nodes and mappings when the file
//! is applied.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use mainstem_adapter::{AdapterState, ResourceState, States};
use mainstem_config::NodeConfig;
use mainstem_remote::{LinkState, StateHook};
use mainstem_service::EndpointOperation;
use parking_lot::Mutex;

const CONNECTED: &str = "connected";
const CONNECTING: &str = "connecting";
const RECONNECTING: &str = "reconnecting";
const DISCONNECTED: &str = "disconnected";
const ENABLED: &str = "enabled";
const ENABLING: &str = "enabling";
const DISABLED: &str = "disabled";
const SUBSCRIBED: &str = "subscribed";

/// What the parts tell, and the board that they tell it to.
#[derive(Default)]
pub(super) struct ResourceStates {
    pub(super) board: States,
    plan: Mutex<Plan>,
}

/// What of the node file counts for states.
#[derive(Default)]
struct Plan {
    /// The endpoints of each adapter, with what they do.
    endpoints: BTreeMap<String, Vec<(String, EndpointOperation)>>,
    /// Connections and remotes that are to be off.
    paused: BTreeSet<String>,
    /// All connections and remotes; what still comes of others, as they end, is no state.
    known: BTreeSet<String>,
    /// Those that were connected once.
    were_connected: BTreeSet<String>,
}

/// How a connection stands, whatever is behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    Up,
    /// On its way, or waiting for its next try.
    Trying,
    Waiting,
    Off,
}

impl ResourceStates {
    /// Takes over the node file, before its parts are started.
    pub(super) fn begin(&self, config: &NodeConfig) {
        let services = &config.services;
        let mut plan = self.plan.lock();
        plan.endpoints.clear();
        for endpoint in &services.endpoints {
            let adapter = endpoint.datapoint.as_str().split('.').next();
            let of_it = plan.endpoints.entry(adapter.unwrap_or_default().to_owned());
            of_it
                .or_default()
                .push((endpoint.id.clone(), endpoint.operation));
        }
        let adapters = config.adapters.iter().map(|a| (a.name.as_str(), a.paused));
        let remotes = config.remotes.iter().map(|r| (r.name.as_str(), r.paused));
        let connections: Vec<(&str, bool)> = adapters.chain(remotes).collect();
        let paused = connections.iter().filter(|(_, is_paused)| *is_paused);
        plan.paused = paused.map(|(name, _)| (*name).to_owned()).collect();
        plan.known = connections
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let mut all: HashSet<&str> = connections.iter().map(|(name, _)| *name).collect();
        plan.were_connected
            .retain(|name| all.contains(name.as_str()));
        drop(plan);
        all.extend(
            services
                .endpoints
                .iter()
                .map(|endpoint| endpoint.id.as_str()),
        );
        all.extend(switched(config).map(|(id, _)| id));
        self.board
            .begin(services.address.id(), |id| all.contains(id));
    }

    /// Says what became of servers, server nodes and mappings. Those behind a part that could not
    /// be started are not enabled.
    pub(super) fn applied(&self, config: &NodeConfig, failed: &[(String, String)]) {
        let has_failed = |part: &str| failed.iter().any(|(name, _)| name == part);
        let services = &config.services;
        let opcua = services
            .opcua_server
            .as_ref()
            .map(|server| server.id.as_str());
        let opcua_nodes: HashSet<&str> = services
            .opcua_nodes
            .iter()
            .map(|node| node.head.id.as_str())
            .collect();
        let mappings: HashSet<&str> = services.mappings.iter().map(|m| m.id.as_str()).collect();
        for (id, is_wanted) in switched(config) {
            let is_opcua = Some(id) == opcua || opcua_nodes.contains(id);
            let is_broken = match (is_opcua, mappings.contains(id)) {
                (true, _) => has_failed("opcua-server"),
                (_, true) => has_failed("mappings") || has_failed("bus"),
                _ => has_failed("bus"),
            };
            let is_enabled = is_wanted && !is_broken;
            let word = if is_enabled { ENABLED } else { DISABLED };
            let is_wanted = is_enabled == is_wanted;
            self.board.tell(id, ResourceState { word, is_wanted });
        }
    }

    /// An adapter's state changed, and that of its endpoints with it.
    pub(super) fn adapter(&self, name: &str, state: AdapterState) {
        let connection = match state {
            AdapterState::Online => Connection::Up,
            AdapterState::Connecting => Connection::Trying,
            AdapterState::Waiting | AdapterState::Refused => Connection::Waiting,
            AdapterState::Misconfigured | AdapterState::Paused | AdapterState::Stopped => {
                Connection::Off
            }
        };
        self.connection(name, connection);
    }

    /// What a link tells its state to.
    pub(super) fn link(self: &Arc<Self>, name: &str) -> StateHook {
        // A link begins by waiting for its first try, which is no change.
        self.connection(name, Connection::Waiting);
        let (states, name) = (Arc::clone(self), name.to_owned());
        Arc::new(move |state| {
            let connection = match state {
                LinkState::Live | LinkState::Degraded | LinkState::Resting => Connection::Up,
                LinkState::Connecting | LinkState::Snapshot | LinkState::Replaying => {
                    Connection::Trying
                }
                LinkState::Waiting | LinkState::Refused => Connection::Waiting,
                LinkState::Paused => Connection::Off,
            };
            states.connection(&name, connection);
        })
    }

    fn connection(&self, name: &str, connection: Connection) {
        // Held throughout, so that two changes of one connection are told in their order.
        let mut plan = self.plan.lock();
        if !plan.known.contains(name) {
            return;
        }
        let word = match connection {
            Connection::Up => CONNECTED,
            Connection::Trying if plan.were_connected.contains(name) => RECONNECTING,
            Connection::Trying => CONNECTING,
            Connection::Waiting | Connection::Off => DISCONNECTED,
        };
        if connection == Connection::Up {
            plan.were_connected.insert(name.to_owned());
        }
        let is_paused = plan.paused.contains(name);
        let is_wanted = match connection {
            Connection::Up => !is_paused,
            Connection::Off => is_paused,
            Connection::Trying | Connection::Waiting => false,
        };
        self.board.tell(name, ResourceState { word, is_wanted });
        for (id, operation) in plan.endpoints.get(name).into_iter().flatten() {
            let word = match (connection, operation) {
                (Connection::Up, EndpointOperation::Subscribe) => SUBSCRIBED,
                (Connection::Up, _) => ENABLED,
                (Connection::Trying | Connection::Waiting, _) => ENABLING,
                (Connection::Off, _) => DISABLED,
            };
            self.board.tell(id, ResourceState { word, is_wanted });
        }
    }
}

/// The resources that are on or off as the file says, and which it is.
fn switched(config: &NodeConfig) -> impl Iterator<Item = (&str, bool)> {
    let services = &config.services;
    let servers = services
        .http_servers
        .iter()
        .map(|server| (server.id.as_str(), server.target_state.is_enabled()));
    let opcua = services
        .opcua_server
        .iter()
        .map(|server| (server.id.as_str(), server.section.target_state.is_enabled()));
    let http_nodes = services.http_nodes.iter().map(|node| &node.head);
    let opcua_nodes = services.opcua_nodes.iter().map(|node| &node.head);
    let nodes = http_nodes
        .chain(opcua_nodes)
        .map(|head| (head.id.as_str(), head.target_state.is_enabled()));
    let mappings = services
        .mappings
        .iter()
        .map(|mapping| (mapping.id.as_str(), mapping.target_state.is_enabled()));
    servers.chain(opcua).chain(nodes).chain(mappings)
}
