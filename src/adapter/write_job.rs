//! A write on its way to the device. It is answered exactly once, whatever happens.

use mainstem_model::{Monotonic, Value};
use tokio::sync::oneshot;

use crate::PointId;

/// What became of a write at the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAnswer {
    /// The device confirmed it.
    Applied {
        /// Whether the value was read back and found to be the one written.
        verified: bool,
    },
    /// The device refused; it was not changed.
    Refused {
        /// The protocol's own word: `IllegalDataAddress`, `BadTypeMismatch`.
        code: String,
        /// What the device said, for people.
        message: String,
    },
    /// It was never sent to the device (no connection, deadline passed).
    NotSent {
        /// Why.
        message: String,
    },
    /// It was sent and no answer came: nobody can tell.
    Unknown {
        /// What happened.
        message: String,
    },
}

/// A write that the adapter has to carry out now.
#[derive(Debug)]
pub struct WriteJob {
    /// The datapoint.
    pub point: PointId,
    /// The value for the device, scaling already inverted: an `f64` (or an array of them) where
    /// the endpoint has scaling, else of the datapoint's declared type. [`crate::convert()`] brings
    /// it to the type on the wire, rounded and within range or with an error.
    pub value: Value,
    /// After this reading of the clock it must not be sent any more.
    pub deadline: Monotonic,
    sent: bool,
    reply: Option<oneshot::Sender<WriteAnswer>>,
}

impl WriteJob {
    /// A job and where its answer arrives. For the runner and tests.
    pub fn new(
        point: PointId,
        value: Value,
        deadline: Monotonic,
    ) -> (Self, oneshot::Receiver<WriteAnswer>) {
        let (sender, receiver) = oneshot::channel();
        (
            Self {
                point,
                value,
                deadline,
                sent: false,
                reply: Some(sender),
            },
            receiver,
        )
    }

    /// To be called just before the request goes to the device: from here on, no answer means
    /// that nobody can tell.
    pub fn begin(&mut self) {
        self.sent = true;
    }

    /// Answers. The entry node may have given up meanwhile; then nobody listens, which is no error.
    pub fn answer(mut self, answer: WriteAnswer) {
        self.reply(answer);
    }

    /// This job, unless its deadline has passed: then it is answered as not sent.
    pub(crate) fn unless_late(self, now: Monotonic) -> Option<Self> {
        if now <= self.deadline {
            return Some(self);
        }
        let message = "its deadline passed before it was this write's turn at the device";
        self.answer(WriteAnswer::NotSent {
            message: message.into(),
        });
        None
    }

    fn reply(&mut self, answer: WriteAnswer) {
        if let Some(reply) = self.reply.take() {
            drop(reply.send(answer));
        }
    }
}

impl Drop for WriteJob {
    fn drop(&mut self) {
        let answer = if self.sent {
            WriteAnswer::Unknown {
                message: "the session ended before the device answered".into(),
            }
        } else {
            WriteAnswer::NotSent {
                message: "the session ended before it was sent".into(),
            }
        };
        self.reply(answer);
    }
}
