//! Where a link stands.

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// A connection is being made.
    Connecting,
    /// The stream brings a snapshot.
    Snapshot,
    /// The stream brings what was missed.
    Replaying,
    /// Everything up to now is applied.
    Live,
    /// The stream is open, but what it brings is applied too late to be trusted.
    Degraded,
    /// The connection is lost; another try comes.
    Waiting,
    /// The remote refuses; another try comes later.
    Refused,
    /// A polled link between two rounds.
    Resting,
    /// Switched off by a person.
    Paused,
}

impl LinkState {
    /// Whether there is no connection, and one is tried for.
    pub(super) fn is_down(self) -> bool {
        matches!(self, Self::Connecting | Self::Waiting | Self::Refused)
    }

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Snapshot => "snapshot",
            Self::Replaying => "replaying",
            Self::Live => "live",
            Self::Degraded => "degraded",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Resting => "resting",
            Self::Paused => "paused",
        }
    }
}
