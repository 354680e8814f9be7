//! Held requests and server nodes, as they are shown.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Name, Timestamp};

use crate::{Caller, Ending, Stray, TransactionId};

/// A request that is held.
#[derive(Clone, Debug)]
pub struct OpenView {
    /// Its id.
    pub id: TransactionId,
    /// The server node that holds it.
    pub node: Name,
    /// Who asked.
    pub caller: Caller,
    /// When it came.
    pub opened: Timestamp,
    /// For how long it has been held.
    pub held: Duration,
    /// The time that is left.
    pub left: Duration,
}

/// A request that has ended.
#[derive(Clone, Debug)]
pub struct EndedView {
    /// Its id.
    pub id: TransactionId,
    /// The server node that held it.
    pub node: Name,
    /// Who asked.
    pub caller: Caller,
    /// When it came.
    pub opened: Timestamp,
    /// For how long it was held.
    pub took: Duration,
    /// How it ended.
    pub ending: Ending,
    /// The code of an error.
    pub code: Option<i64>,
    /// The message of an error.
    pub message: Option<Arc<str>>,
}

/// A server node that holds requests.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// Its name.
    pub name: Name,
    /// Its topic, without `/treq` and `/tres`.
    pub topic: String,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// Why it can hold nothing now; nothing if it can.
    pub away: Option<Arc<str>>,
    /// Requests that it holds.
    pub open: usize,
    /// Those that have ended, by how.
    pub ended: Vec<(Ending, u64)>,
    /// Replies that answered nobody, by why.
    pub strays: Vec<(Stray, u64)>,
    /// Requests that were not held since the table was full.
    pub busy: u64,
    /// Replies that came faster than they could be taken.
    pub missed: u64,
}
