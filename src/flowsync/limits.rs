//! What held requests can cost.

use mainstem_model::GlobSet;
use serde::Deserialize;

/// What held requests can cost at most, and which of the nodes below are answered here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FlowLimits {
    /// Requests held at once by the whole node.
    #[schemars(range(min = 1, max = 200_000))]
    pub open: usize,
    /// Requests held at once by one server node.
    #[schemars(range(min = 1, max = 200_000))]
    pub open_per_node: usize,
    /// Ended requests that are kept to be looked at.
    #[schemars(range(min = 0, max = 10_000))]
    pub history: usize,
    /// Requests held at nodes below that are told on this node's bus too: patterns over the names
    /// of their server nodes, `<remote>.<server node>`. None by default.
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub from_below: GlobSet,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            open: 20_000,
            open_per_node: 10_000,
            history: 1000,
            from_below: GlobSet::default(),
        }
    }
}
