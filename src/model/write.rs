//! The words of a write and its outcome.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The identity of a write, made at the node where it entered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriteId(pub uuid::Uuid);

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a write came. The last four are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteState {
    /// Committed at the node where it entered.
    Accepted,
    /// Passed on to the next hop.
    Forwarded,
    /// Confirmed by the device.
    Applied,
    /// Refused by a hop or the device; the device was not changed.
    Rejected,
    /// Its deadline passed before it reached the device; the device was not changed.
    Expired,
    /// Nobody can tell whether the device was changed.
    Unknown,
}

impl WriteState {
    /// Whether nothing more can follow, but for an `unknown` that the owner clears up later.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Accepted | Self::Forwarded)
    }

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Forwarded => "forwarded",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// The name space that the name of a write is in. Datapoints and variables may have the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// A datapoint.
    #[default]
    Datapoint,
    /// A GUI variable.
    Variable,
}

impl Space {
    /// Whether it is the one that is not said.
    pub fn is_datapoint(&self) -> bool {
        *self == Self::Datapoint
    }

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Datapoint => "datapoint",
            Self::Variable => "variable",
        }
    }
}
