//! Who carries out a write: each source that can be written registers once, and orders for what
//! hangs on it come out at the other end.

use std::collections::HashMap;
use std::time::Duration;

use mainstem_model::{Monotonic, Name, Timestamp, Value, WriteId, WriteState};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::state::State;
use crate::{PointId, SourceId, Store};

/// Orders that may wait for one owner.
const ORDERS_WAITING_MAX: usize = 256;

/// What a write is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A datapoint.
    Point(PointId),
    /// The variable of the order's name, which need not be there yet.
    Variable,
}

/// A write for an owner. Dropped without an answer, it counts as `unknown` where it was begun.
#[derive(Debug)]
pub struct Order {
    /// The write.
    pub id: WriteId,
    /// The datapoint or variable.
    pub target: Target,
    /// Its name at this node.
    pub name: Name,
    /// The value, checked against type and limits.
    pub value: Value,
    /// After this reading of the clock it must not be carried out.
    pub deadline: Monotonic,
    /// Who asked, from the first node on; a claim.
    pub originators: Vec<String>,
    /// How long the datapoint is to have the value, if not for good; a link passes it on, and the
    /// owner's write path resets it.
    pub pulse: Option<Duration>,
    /// Where the outcome goes.
    pub reply: oneshot::Sender<Outcome>,
}

/// One node that a write passed, and how far it came there.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// The node's name.
    pub node: String,
    /// How far it came.
    pub state: WriteState,
    /// When, by that node's clock.
    pub at: Timestamp,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The state.
    pub state: WriteState,
    /// A stable code for a refusal: `policy`, `limits`, `device`, or the protocol's own word.
    pub reason: Option<String>,
    /// What happened, for people.
    pub message: Option<String>,
    /// Where it was refused or lost, as a path of names seen from this node.
    pub hop: Option<String>,
    /// Whether the value was read back.
    pub verified: bool,
    /// The nodes it passed, from here to the owner.
    pub hops: Vec<Hop>,
}

impl Outcome {
    /// An outcome without any more words.
    pub fn new(state: WriteState) -> Self {
        Self {
            state,
            reason: None,
            message: None,
            hop: None,
            verified: false,
            hops: Vec::new(),
        }
    }

    /// An outcome with a reason and a sentence.
    pub fn because(
        state: WriteState,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason: Some(reason.into()),
            message: Some(message.into()),
            ..Self::new(state)
        }
    }
}

/// What kind of owner a datapoint has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A part of this node; the write ends here.
    Local(SourceId),
    /// A link; the write goes on to the neighbour.
    Link(SourceId),
}

impl Owner {
    /// The source that registered.
    pub fn source(self) -> SourceId {
        match self {
            Self::Local(source) | Self::Link(source) => source,
        }
    }
}

/// Why an order could not be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Nobody carries out writes for this datapoint.
    #[error("nothing at this node carries out writes for it")]
    NoOwner,
    /// Too many wait already.
    #[error("too many writes wait for the same device")]
    Busy,
}

#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<HashMap<SourceId, (bool, mpsc::Sender<Order>)>>);

/// The owner's end.
#[derive(Debug)]
pub struct OwnerHandle {
    /// Orders, oldest first.
    pub orders: mpsc::Receiver<Order>,
}

impl Store {
    /// Registers who carries out the writes below a source. A later registration takes over.
    pub fn register_owner(&self, source: SourceId, is_link: bool) -> OwnerHandle {
        let (sender, orders) = mpsc::channel(ORDERS_WAITING_MAX);
        self.owners.0.lock().insert(source, (is_link, sender));
        OwnerHandle { orders }
    }

    /// The nearest registered owner of a datapoint.
    pub fn owner_of(&self, point: PointId) -> Option<Owner> {
        let chain = self.read(|state| {
            let point = state.catalogue.get(point);
            point.map(|point| chain_from(state, point.source))
        });
        self.registered(&chain?)
    }

    /// The first of some sources that registered.
    pub(crate) fn registered(&self, chain: &[SourceId]) -> Option<Owner> {
        let owners = self.owners.0.lock();
        chain.iter().find_map(|&source| {
            let (is_link, sender) = owners.get(&source)?;
            // An owner that is gone left its row behind.
            if sender.is_closed() {
                return None;
            }
            Some(if *is_link {
                Owner::Link(source)
            } else {
                Owner::Local(source)
            })
        })
    }

    /// Hands an order over. Never waits.
    pub fn order(&self, owner: Owner, order: Order) -> Result<(), OrderError> {
        let sender = self
            .owners
            .0
            .lock()
            .get(&owner.source())
            .map(|(_, s)| s.clone());
        match sender.ok_or(OrderError::NoOwner)?.try_send(order) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(OrderError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(OrderError::NoOwner),
        }
    }
}

/// A source and all above it, upwards.
pub(crate) fn chain_from(state: &State, source: SourceId) -> Vec<SourceId> {
    let mut chain = Vec::new();
    let mut at = Some(source);
    while let Some(source) = at {
        chain.push(source);
        at = state.sources.get(source).and_then(|source| source.parent);
    }
    chain
}
