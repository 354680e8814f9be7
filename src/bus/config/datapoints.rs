//! The part `datapoints:` of the section `bus:`.

use mainstem_model::GlobSet;
use serde::Deserialize;

use super::yes;

/// Bytes of the root of datapoints: what follows fits into a topic then, however it is escaped.
pub const ROOT_BYTES_MAX: usize = 128;

/// The node's datapoints as topics.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatapointsConfig {
    /// What their topics begin with; `mainstem/` and the node's name unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub root: Option<String>,
    /// Patterns over their names: which of them are there.
    #[serde(default = "GlobSet::everything")]
    #[schemars(with = "Vec<String>")]
    pub include: GlobSet,
    /// Whether the broker keeps the last message of each for whoever subscribes later.
    #[serde(default)]
    pub retain: bool,
    /// 0, or 1: published until the broker has acknowledged it.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub qos: u8,
    /// Whether values that are fetched again (a snapshot, a gap) are published too.
    #[serde(default)]
    pub startupevents: bool,
    /// Whether clients may write by `…/set`.
    #[serde(default = "yes")]
    pub set: bool,
    /// The name of the token whose rights apply to everybody who writes over a foreign broker.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub principal: Option<String>,
}

impl DatapointsConfig {
    /// Whose rights count for writes: nobody's if there are none. A foreign broker does not say
    /// who published.
    #[must_use]
    pub fn takes_writes(&self, is_foreign: bool) -> bool {
        self.set && (!is_foreign || self.principal.is_some())
    }
}
