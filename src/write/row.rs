//! The rows of the ledger: what was begun, and what became of it. A row that this build does not
//! know is skipped, so that a newer build's ledger can still be read.

use mainstem_model::{Monotonic, Timestamp, WriteId, WriteState};
use mainstem_store::{Hop, Outcome};
use serde::{Deserialize, Serialize};

use crate::WriteRecord;
use crate::check::BodyHash;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "lowercase")]
pub(crate) enum Row {
    /// A write that may be carried out from here on.
    Begin(BeginRow),
    /// Its outcome. A later one replaces an earlier one.
    End(EndRow),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BeginRow {
    pub(crate) id: WriteId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_as: Option<String>,
    principal: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    originators: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The hash of name and value, in hexadecimal digits.
    hash: String,
    at: Timestamp,
    deadline: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndRow {
    pub(crate) id: WriteId,
    state: WriteState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hop: Option<String>,
    #[serde(default)]
    verified: bool,
    hops: Vec<(String, WriteState, Timestamp)>,
}

impl Row {
    pub(crate) fn begin(record: &WriteRecord, hash: &BodyHash) -> Self {
        Self::Begin(BeginRow {
            id: record.id,
            name: record.name.clone(),
            asked_as: record.asked_as.clone(),
            principal: record.principal.clone(),
            address: record.address.clone(),
            originators: record.originators.clone(),
            key: record.key.clone(),
            hash: hex::encode(hash),
            at: record.at,
            deadline: record.deadline_wall,
        })
    }

    pub(crate) fn end(id: WriteId, outcome: &Outcome) -> Self {
        let hops = outcome.hops.iter();
        Self::End(EndRow {
            id,
            state: outcome.state,
            reason: outcome.reason.clone(),
            message: outcome.message.clone(),
            hop: outcome.hop.clone(),
            verified: outcome.verified,
            hops: hops
                .map(|hop| (hop.node.clone(), hop.state, hop.at))
                .collect(),
        })
    }

    /// The row as the ledger keeps it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        // Texts and numbers always serialize.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl BeginRow {
    /// The write as it was begun; its deadline belonged to another life of the clock and is over.
    pub(crate) fn into_record(self) -> Option<(WriteRecord, BodyHash)> {
        let hash = hex::decode(&self.hash).ok()?.try_into().ok()?;
        let record = WriteRecord {
            id: self.id,
            sequence: 0,
            name: self.name,
            asked_as: self.asked_as,
            principal: self.principal,
            address: self.address,
            originators: self.originators,
            key: self.key,
            at: self.at,
            deadline: Monotonic::default(),
            deadline_wall: self.deadline,
            outcome: Outcome::new(WriteState::Accepted),
        };
        Some((record, hash))
    }
}

impl EndRow {
    pub(crate) fn into_outcome(self) -> Outcome {
        let hops = self.hops.into_iter();
        Outcome {
            state: self.state,
            reason: self.reason,
            message: self.message,
            hop: self.hop,
            verified: self.verified,
            hops: hops
                .map(|(node, state, at)| Hop { node, state, at })
                .collect(),
        }
    }
}
