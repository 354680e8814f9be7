//! A node file as the rest of the program sees it: checked, resolved, in parts that can be
//! compared one by one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::{AdapterSpec, Kind};
use mainstem_bus::config::BusConfig;
use mainstem_datalogger::config::LoggersConfig;
use mainstem_flowsync::FlowLimits;
use mainstem_http::{HsycoConfig, HttpLimits, ListenConfig, SupportConfig};
use mainstem_model::{Alias, Name};
use mainstem_remote::{RemoteConfig, UplinkConfig};
use mainstem_service::Services;
use mainstem_store::FeedConfig;
use mainstem_write::PolicyConfig;

use crate::access::{RoleConfig, TokenConfig};
use crate::resources::StrategyConfig;
use crate::sections::LogConfig;

/// Everything that a node file says.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeConfig {
    /// Who this node is.
    pub node: NodeSettings,
    /// Where it serves its API over HTTPS.
    pub listen: Vec<ListenConfig>,
    /// Where it serves the same API to local programs, if it does.
    pub unix_socket: Option<PathBuf>,
    /// How much of the past the feed keeps.
    pub feed: FeedConfig,
    /// What clients may do, by role.
    pub roles: BTreeMap<String, RoleConfig>,
    /// The clients that come with a token.
    pub tokens: Vec<TokenConfig>,
    /// What this node lets writes of its own datapoints do, in the order of the file.
    pub policies: Vec<PolicyConfig>,
    /// Old names that still lead to what is called otherwise now.
    pub aliases: Vec<Alias>,
    /// What `check` warns of: the file can be used, but it may not be what was meant.
    pub warnings: Vec<String>,
    /// What is recorded, if anything is.
    pub loggers: Option<LoggersConfig>,
    /// Where messages go by topic, if the file says so.
    pub bus: Option<BusConfig>,
    /// What clients can cost at most.
    pub limits: HttpLimits,
    /// What held requests can cost at most.
    pub flowsync: FlowLimits,
    /// The HSYCO-compatible route, if it is switched on.
    pub hsyco: Option<HsycoConfig>,
    /// As whom remote support acts, if this node may be opened for it.
    pub support: Option<SupportConfig>,
    /// What goes to the log.
    pub log: LogConfig,
    /// Connections with their endpoints, in the order of the file.
    pub adapters: Vec<AdapterConfig>,
    /// Remotes, in the order of the file.
    pub remotes: Vec<RemoteConfig>,
    /// Uplinks, in the order of the file.
    pub uplinks: Vec<UplinkConfig>,
    /// Servers, server nodes, mappings, and the topics of endpoints.
    pub services: Services,
}

/// Who a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Its name, a label for people.
    pub name: Name,
    /// What it is for.
    pub description: Option<String>,
    /// The folder for everything that it keeps.
    pub data: PathBuf,
    /// How often its canary changes, if it has one.
    pub canary: Option<Duration>,
}

/// One adapter.
#[derive(Clone, Debug)]
pub struct AdapterConfig {
    /// The resource id of its connection.
    pub name: Name,
    /// Its kind.
    pub kind: &'static Kind,
    /// What the kind makes the adapter from.
    pub spec: AdapterSpec,
    /// When to try again after a failure.
    pub strategy: StrategyConfig,
    /// Configured, but not to be connected.
    pub paused: bool,
}

impl PartialEq for AdapterConfig {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            name,
            kind,
            spec,
            strategy,
            paused,
        } = self;
        *name == other.name
            && kind.name == other.kind.name
            && *spec == other.spec
            && *strategy == other.strategy
            && *paused == other.paused
    }
}
