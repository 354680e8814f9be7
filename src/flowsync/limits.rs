//! What held requests can cost.

use serde::Deserialize;

/// What held requests can cost at most.
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
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            open: 20_000,
            open_per_node: 10_000,
            history: 1000,
        }
    }
}
