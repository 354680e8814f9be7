//! Whether a resource is to work.

/// Whether a resource is to work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// It works.
    #[default]
    Enabled,
    /// It is configured, and does nothing.
    Disabled,
}

impl TargetState {
    /// Whether it is to work.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self == Self::Enabled
    }
}
