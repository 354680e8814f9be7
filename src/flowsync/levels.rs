//! Requests that are answered at another level: upward as an event of the feed, downward from node
//! to node as writes go. One deadline over all hops, one record in the audit trail.

mod above;
mod below;
mod record;

pub(crate) use above::{Carried, KIND};

use std::sync::{Arc, OnceLock};

use mainstem_model::{Clock, Monotonic};
use mainstem_security::Audit;
use mainstem_store::Store;
use mainstem_wire::api::{LinkHeld, LinkHold};
use serde_json::value::RawValue;

use crate::{AnsweredBy, Caller, NodeSpec, Outcome, TransactionId};

/// A boxed future.
type Boxed<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// The links to the nodes below.
pub trait Tree: Send + Sync {
    /// Has a request held by the node behind the link that its name begins with; nothing if there
    /// is no such link. The name is the one that the server node has here.
    fn hold(&self, ask: LinkHold, deadline: Monotonic) -> Option<Boxed<LinkHeld>>;
}

/// The ways to other nodes.
pub struct Levels {
    store: Arc<Store>,
    audit: Arc<Audit>,
    tree: OnceLock<Arc<dyn Tree>>,
}

/// A request on its way to another node.
pub(crate) struct Errand {
    pub(crate) id: TransactionId,
    pub(crate) spec: NodeSpec,
    pub(crate) value: Box<RawValue>,
    pub(crate) caller: Caller,
    pub(crate) deadline: Monotonic,
}

impl Levels {
    /// The ways of a node, without links yet.
    #[must_use]
    pub fn new(store: Arc<Store>, audit: Arc<Audit>) -> Self {
        let tree = OnceLock::new();
        Self { store, audit, tree }
    }

    /// The links to the nodes below. Only the first call counts.
    pub fn set_tree(&self, tree: Arc<dyn Tree>) {
        drop(self.tree.set(tree));
    }

    /// The node's clocks.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.store.clock()
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Has another node answer. Dropping the future ends it there too, as far as that is possible.
    pub(crate) async fn ask(&self, errand: Errand) -> Outcome {
        match errand.spec.answered_by.clone() {
            AnsweredBy::Above => above::ask(self, errand).await,
            AnsweredBy::Below(name) => below::ask(self, errand, &name).await,
            // It never leaves the node.
            AnsweredBy::Here => Outcome::Stopping,
        }
    }

    /// Who asked, as it is told to other nodes.
    fn origin(&self, caller: &Caller) -> String {
        format!("{}@{}", caller.principal, self.store.setup().name)
    }
}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Levels").finish_non_exhaustive()
    }
}
