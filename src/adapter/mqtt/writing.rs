//! Writes on their way to the broker: handed to the connection in order, then sent under a packet
//! id, then acknowledged.

use std::collections::{HashMap, VecDeque};

use mainstem_adapter::{WriteAnswer, WriteJob};
use mainstem_model::Monotonic;

/// Writes on their way at once; further ones wait in the runner's queue.
pub(crate) const WRITES_MAX: usize = 64;

#[derive(Default)]
pub(crate) struct Writing {
    /// Without a packet id, in the order in which they were handed over.
    handed: VecDeque<WriteJob>,
    sent: HashMap<u16, WriteJob>,
}

impl Writing {
    pub(crate) fn has_room(&self) -> bool {
        self.handed.len() + self.sent.len() < WRITES_MAX
    }

    pub(crate) fn handed(&mut self, job: WriteJob) {
        self.handed.push_back(job);
    }

    /// The oldest one that was handed over is on its way. At QoS 0 nobody will confirm it.
    pub(crate) fn sent(&mut self, id: u16) {
        let Some(job) = self.handed.pop_front() else {
            return;
        };
        match id {
            0 => job.answer(WriteAnswer::Applied { verified: false }),
            id => drop(self.sent.insert(id, job)),
        }
    }

    pub(crate) fn acknowledged(&mut self, id: u16, outcome: Result<(), String>) {
        let Some(job) = self.sent.remove(&id) else {
            return;
        };
        job.answer(match outcome {
            Ok(()) => WriteAnswer::Applied { verified: false },
            Err(code) => WriteAnswer::Refused {
                message: format!("the broker does not take the message: {code}"),
                code,
            },
        });
    }

    /// Whether the broker owes an acknowledgement that is of no use any more: it is not well then.
    pub(crate) fn is_overdue(&self, now: Monotonic) -> bool {
        let mut all = self.handed.iter().chain(self.sent.values());
        all.any(|job| job.deadline < now)
    }
}
