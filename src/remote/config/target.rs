//! What the connection of a link is to be: up or not, and opened by whom.

/// Who opens the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DialFrom {
    /// This node dials down to the remote.
    #[default]
    Down,
    /// The remote dials up; this node only waits.
    Up,
}

/// Whether the link is to be up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// Dial, and dial again.
    #[default]
    Connected,
    /// Stay configured, without a connection.
    Disconnected,
}
