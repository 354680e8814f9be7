//! The `properties:` of a resource of type `Uplink`, as written and as resolved.

use std::path::PathBuf;
use std::time::Duration;

use mainstem_model::{Name, Secret, quantity};

use super::{ProxyAddress, Route, TargetState, Trust, route};

/// Tunnels that a node keeps waiting at the most.
const SPARE_MAX: u32 = 4;

/// The properties of an uplink as the file has them.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UplinkSection {
    /// Where the node above is, or a list of routes to it, tried in turn.
    #[serde(deserialize_with = "route::one_or_many")]
    #[schemars(with = "String", extend(
        "type" = ["string", "array"], "format" = "route",
        "items" = {"type": "string", "format": "route"}, "minItems" = 1, "maxItems" = 8
    ))]
    pub address: Vec<Route>,
    /// The token that the node above gave to this one.
    #[schemars(with = "String", length(min = 1))]
    pub token: Secret,
    /// The fingerprint of the key of the node above. This or `ca`.
    #[serde(default)]
    #[schemars(extend("format" = "fingerprint"))]
    pub pin: Option<String>,
    /// A PEM file of the authority that signed its certificate. This or `pin`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
    /// The HTTP proxy on the way there.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "proxy"))]
    pub proxy: Option<ProxyAddress>,
    /// How many tunnels wait at the node above, beside those in use.
    #[serde(default = "default_spare")]
    #[schemars(range(min = 1, max = SPARE_MAX))]
    pub spare: u32,
    /// How often a waiting tunnel shows that it is alive; dead after three without an answer.
    #[serde(default = "default_keepalive", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "100ms", "max": "1 min"}))]
    pub keepalive: Duration,
    /// Whether this node dials up.
    #[serde(default, rename = "targetState")]
    pub target_state: TargetState,
}

fn default_spare() -> u32 {
    2
}

fn default_keepalive() -> Duration {
    Duration::from_secs(5)
}

/// An uplink, ready to be dialled.
#[derive(Clone, Debug, PartialEq)]
pub struct UplinkConfig {
    /// Its resource id.
    pub name: Name,
    /// Where the node above is; one route is tried at a time.
    pub routes: Vec<Route>,
    /// The token that it gave to this node.
    pub token: Secret,
    /// How it is recognised.
    pub trust: Trust,
    /// The proxy on the way there.
    pub proxy: Option<ProxyAddress>,
    /// Tunnels that wait.
    pub spare: u32,
    /// Between two signs of life of a waiting tunnel.
    pub keepalive: Duration,
    /// Configured, but not to be dialled.
    pub paused: bool,
}

impl UplinkSection {
    /// The uplink under its name.
    pub fn resolve(self, name: Name, trust: Trust) -> UplinkConfig {
        UplinkConfig {
            name,
            routes: self.address,
            token: self.token,
            trust,
            proxy: self.proxy,
            spare: self.spare,
            keepalive: self.keepalive,
            paused: self.target_state == TargetState::Disconnected,
        }
    }
}
