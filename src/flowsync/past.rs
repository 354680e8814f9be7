//! What is kept of requests that have ended: how, and how long it took.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Name, Timestamp};

use crate::{Caller, TransactionId};

/// How a held request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A responder answered with a value.
    Answered,
    /// A responder answered with an error.
    Failed,
    /// Nobody answered in time.
    TimedOut,
    /// Who asked is gone.
    Gone,
    /// The bus was lost, or did not take the message.
    BusAway,
    /// The node, or the server node, was stopped.
    Stopped,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Answered,
        Self::Failed,
        Self::TimedOut,
        Self::Gone,
        Self::BusAway,
        Self::Stopped,
    ];

    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Gone => "gone",
            Self::BusAway => "bus_away",
            Self::Stopped => "stopped",
        }
    }
}

/// A request that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) id: TransactionId,
    pub(crate) node: Name,
    pub(crate) caller: Caller,
    pub(crate) opened: Timestamp,
    pub(crate) took: Duration,
    pub(crate) ending: Ending,
    /// The code that a responder gave with an error.
    pub(crate) code: Option<i64>,
    /// What a responder said with an error, or what the bus said.
    pub(crate) message: Option<Arc<str>>,
}

/// The last of those that have ended.
#[derive(Debug)]
pub(crate) struct Past {
    kept: VecDeque<Ended>,
    max: usize,
}

impl Past {
    pub(crate) fn new(max: usize) -> Self {
        let kept = VecDeque::new();
        Self { kept, max }
    }

    pub(crate) fn push(&mut self, ended: Ended) {
        if self.max == 0 {
            return;
        }
        if self.kept.len() >= self.max {
            self.kept.pop_front();
        }
        self.kept.push_back(ended);
    }

    /// The last first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ended> {
        self.kept.iter().rev()
    }
}
