//! What a write asks for, and why it may not even become one.

use std::time::Duration;

use mainstem_model::{Monotonic, Space, WriteId};
use mainstem_security::Principal;
use serde_json::value::RawValue;

/// Bytes of an idempotency key.
pub const KEY_BYTES_MAX: usize = 128;
/// How long a write may take unless it says otherwise.
pub const BUDGET_DEFAULT: Duration = Duration::from_secs(5);
/// The longest that a write may take.
pub const BUDGET_MAX: Duration = Duration::from_secs(600);
/// Nodes that a write may pass; more is a loop.
pub const ORIGINATORS_MAX: usize = 8;
/// Bytes that one node may say about who asked.
pub const ORIGINATOR_BYTES_MAX: usize = 256;

/// A wish to change a datapoint or a variable.
#[derive(Debug)]
pub struct Request {
    /// Whether it is a datapoint or a variable.
    pub space: Space,
    /// Its name at this node.
    pub name: String,
    /// The new value, in the JSON of the datapoint's type.
    pub value: Box<RawValue>,
    /// How long the datapoint is to have the value before the owner resets it; for good if not
    /// given.
    pub pulse: Option<Duration>,
    /// The client's idempotency key.
    pub key: Option<String>,
    /// How long it may take; for a link the mapped deadline counts and this is not looked at.
    pub budget: Duration,
    /// Where it entered.
    pub entry: Entry,
}

/// Where a write enters this node.
#[derive(Debug)]
pub enum Entry {
    /// From a client of this node, which makes this the entry node.
    Client {
        /// Who asks.
        principal: Principal,
        /// From where, if over a network.
        address: Option<String>,
    },
    /// From a neighbour, over a link.
    Link {
        /// The neighbour: its own rights decide, whoever it says that asked.
        principal: Principal,
        /// The identity that the write already has.
        id: WriteId,
        /// The deadline, mapped to this node's clock with transit and uncertainty taken off.
        deadline: Monotonic,
        /// Who asked, from the first node on; a claim.
        originators: Vec<String>,
    },
}

impl Entry {
    /// Whose rights decide.
    pub fn principal(&self) -> &Principal {
        match self {
            Self::Client { principal, .. } | Self::Link { principal, .. } => principal,
        }
    }
}

/// Why a request did not become a write at all. What became one and was refused is a record with
/// the state `rejected`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such datapoint, or the principal may not read it (404).
    #[error("there is no datapoint {0:?} here, or this token may not read it")]
    NoSuchPoint(String),
    /// The principal may not read such a variable (404).
    #[error("there is no variable {0:?} here, or this token may not read it")]
    NoSuchVariable(String),
    /// The key stands for another write (422).
    #[error("the key {key:?} already stands for another write: use a new key for a new write")]
    KeyReused {
        /// The key.
        key: String,
        /// The write that it stands for.
        id: WriteId,
    },
    /// The id stands for another write, or for the same one of somebody else (422).
    #[error("the id {0} already stands for another write: has it come round in a circle?")]
    IdReused(WriteId),
    /// The request itself is not right (422).
    #[error("{0}")]
    Malformed(String),
    /// The node is stopping (503).
    #[error("this node is stopping: try again when it is back")]
    Stopping,
}
