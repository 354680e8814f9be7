//! A write as it is kept and shown.

use mainstem_model::{Monotonic, Timestamp, WriteId, WriteState};
use mainstem_security::Principal;
use mainstem_store::{Hop, Outcome};
use mainstem_wire::api::write::{HopDocument, WriteDocument};

/// A write and how far it came.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteRecord {
    /// Its identity at every node.
    pub id: WriteId,
    /// Its place in the order of this node's writes; what a listing goes on behind.
    pub sequence: u64,
    /// The datapoint.
    pub name: String,
    /// The old name that was asked for, where an alias led to the datapoint.
    pub asked_as: Option<String>,
    /// Whose write it is here: a client, or the neighbour that it came from.
    pub principal: String,
    /// From where it came, if over a network.
    pub address: Option<String>,
    /// Who asked, from the first node on; a claim.
    pub originators: Vec<String>,
    /// The client's idempotency key.
    pub key: Option<String>,
    /// When it came.
    pub at: Timestamp,
    /// After this it is not carried out.
    pub deadline: Monotonic,
    /// The same by the wall clock, for people.
    pub deadline_wall: Timestamp,
    /// How far it came, and why; the hops are complete once it is final.
    pub outcome: Outcome,
}

impl WriteRecord {
    /// How far it came.
    pub fn state(&self) -> WriteState {
        self.outcome.state
    }

    /// Whether nothing more can follow, but for an `unknown` that is cleared up.
    pub fn is_final(&self) -> bool {
        self.outcome.state.is_final()
    }

    /// Whether somebody may see it: who made it, and who administers the node.
    pub fn is_visible_to(&self, viewer: &Principal) -> bool {
        viewer.rights.admin || viewer.name == self.principal
    }
}

impl From<&WriteRecord> for WriteDocument {
    fn from(record: &WriteRecord) -> Self {
        let outcome = &record.outcome;
        Self {
            id: record.id,
            name: record.name.clone(),
            asked_as: record.asked_as.clone(),
            state: outcome.state,
            reason: outcome.reason.clone(),
            message: outcome.message.clone(),
            hop: outcome.hop.clone(),
            verified: outcome.verified,
            hops: outcome.hops.iter().map(hop_document).collect(),
            deadline: record.deadline_wall,
            key: record.key.clone(),
        }
    }
}

fn hop_document(hop: &Hop) -> HopDocument {
    HopDocument {
        node: hop.node.clone(),
        state: hop.state,
        at: hop.at,
    }
}
