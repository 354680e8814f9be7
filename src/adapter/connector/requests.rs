//! What the program was asked and has not answered.

use std::collections::BTreeMap;

use mainstem_adapter::WriteJob;
use mainstem_model::Monotonic;

/// Requests that may be open at the same time.
const REQUESTS_MAX: usize = 128;

/// Open requests, by their numbers.
#[derive(Default)]
pub(crate) struct Requests {
    last: u64,
    open: BTreeMap<u64, Request>,
}

/// One open request.
pub(crate) struct Request {
    pub(crate) what: What,
    pub(crate) sent: Monotonic,
    due: Monotonic,
}

/// What was asked.
pub(crate) enum What {
    /// To read the datapoints of a group.
    Read(usize),
    /// To write.
    Write(WriteJob),
    /// A sign of life.
    Ping,
}

impl Requests {
    pub(crate) fn has_room(&self) -> bool {
        self.open.len() < REQUESTS_MAX
    }

    /// The number of the next request.
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn open(&mut self, number: u64, what: What, sent: Monotonic, due: Monotonic) {
        self.open.insert(number, Request { what, sent, due });
    }

    /// The request that a number answers; none if nobody waits for it any more.
    pub(crate) fn close(&mut self, number: u64) -> Option<Request> {
        self.open.remove(&number)
    }

    /// When the first of them is overdue.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        self.open.values().map(|request| request.due).min()
    }

    /// One that is overdue.
    pub(crate) fn overdue(&mut self, now: Monotonic) -> Option<Request> {
        let late = self.open.iter().find(|(_, request)| request.due <= now);
        let number = *late?.0;
        self.open.remove(&number)
    }
}
