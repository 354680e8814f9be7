//! The section `hsyco:` of the node file.

use std::time::Duration;

use mainstem_model::{GlobSet, Secret, quantity};
use mainstem_security::AddressList;

/// The HSYCO-compatible route, for HSYCO servers and their clients above this node. Without this
/// section it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HsycoConfig {
    /// What a client shows; it travels in the address of the request and is good for nothing else.
    #[schemars(with = "String", length(min = 16))]
    pub password: Secret,
    /// From where it may come: `*`, IP addresses, networks.
    #[schemars(with = "Vec<String>", length(min = 1), extend(
        "items" = {"type": "string", "format": "network"}
    ))]
    pub addresses: AddressList,
    /// Which datapoints it gets, in this node's names.
    #[serde(default = "GlobSet::everything")]
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub datapoints: GlobSet,
    /// Whether each datapoint `x` is followed by a text `x.quality`.
    #[serde(default)]
    pub quality: bool,
    /// How long a request without news is held; HSYCO's own value is 10 s.
    #[serde(default = "ten_seconds", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "100ms", "max": "10s"}))]
    pub hold: Duration,
    /// After how long a refused connection is dropped; HSYCO's own value is 10 s.
    #[serde(default = "ten_seconds", deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "100ms", "max": "1 min"}))]
    pub drop_after: Duration,
    /// Requests that are held or answered at the same time.
    #[serde(default = "default_readers")]
    #[schemars(range(min = 1, max = 1024))]
    pub readers: usize,
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn default_readers() -> usize {
    16
}
