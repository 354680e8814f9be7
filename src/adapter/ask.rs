//! Reads on request: a question with arguments of its own for one datapoint, and its answer.

use mainstem_model::Monotonic;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::PointId;

/// Questions that may wait for a session at the same time.
pub const ASKS_WAITING_MAX: usize = 64;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// This kind, or this endpoint of it, is not asked: its last value is all there is.
    #[error("this endpoint is not asked on request")]
    NotAsked,
    /// There is no session, or too many questions wait.
    #[error("{0}")]
    Away(String),
    /// The device refused.
    #[error("{message}")]
    Refused {
        /// The protocol's own code.
        code: i64,
        /// What it said, for people.
        message: String,
    },
    /// No answer came in time, or it could not be read.
    #[error("{0}")]
    Failed(String),
}

/// A question for the device.
#[derive(Debug)]
pub struct AskJob {
    /// The datapoint.
    pub point: PointId,
    /// What the question says beside the datapoint's own address, in the kind's words.
    pub arguments: Value,
    /// After this reading of the clock nobody waits any more.
    pub deadline: Monotonic,
    reply: oneshot::Sender<Result<Value, AskError>>,
}

/// Where the answer to a question arrives.
pub(crate) type AskReply = oneshot::Receiver<Result<Value, AskError>>;

impl AskJob {
    pub(crate) fn new(point: PointId, arguments: Value, deadline: Monotonic) -> (Self, AskReply) {
        let (reply, receiver) = oneshot::channel();
        let job = Self {
            point,
            arguments,
            deadline,
            reply,
        };
        (job, receiver)
    }

    /// Answers. Who asked may have given up meanwhile, which is no error.
    pub fn answer(self, answer: Result<Value, AskError>) {
        drop(self.reply.send(answer));
    }
}

/// The questions of a session, taken once from its surroundings.
pub type Asks = mpsc::Receiver<AskJob>;
