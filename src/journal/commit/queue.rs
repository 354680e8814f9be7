//! The bounded queue in front of the log's thread.

use std::mem;

use parking_lot::{Condvar, Mutex};

use super::{CommitError, CommitStatistics, Done, QUEUE_BYTES_MAX, QUEUE_RECORDS_MAX};

/// One thing for the log's thread to do.
pub(super) enum Job {
    /// Append a record.
    Append { payload: Vec<u8>, done: Done },
    /// Start the log anew.
    Rotate { carried: Vec<Vec<u8>>, done: Done },
}

impl Job {
    pub(super) fn answer(self, fate: Result<(), CommitError>) {
        match self {
            Self::Append { done, .. } | Self::Rotate { done, .. } => done(fate),
        }
    }

    /// Bytes counted against the limit. What a rotation carries is bounded by the log's own size.
    fn bytes(&self) -> usize {
        match self {
            Self::Append { payload, .. } => payload.len(),
            Self::Rotate { .. } => 0,
        }
    }
}

#[derive(Default)]
struct State {
    jobs: Vec<Job>,
    bytes: usize,
    closed: bool,
    statistics: CommitStatistics,
}

/// Jobs in the order of their arrival.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

impl Queue {
    pub(super) fn new(log_bytes: u64) -> Self {
        let queue = Self::default();
        queue.state.lock().statistics.log_bytes = log_bytes;
        queue
    }

    /// Takes a job in, or answers it at once if there is no room.
    pub(super) fn push(&self, job: Job) {
        let mut state = self.state.lock();
        let refusal = if state.closed {
            Some(CommitError::Stopped)
        } else if state.jobs.len() >= QUEUE_RECORDS_MAX
            || state.bytes + job.bytes() > QUEUE_BYTES_MAX
        {
            state.statistics.refused += 1;
            Some(CommitError::QueueFull)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            drop(state);
            return job.answer(Err(refusal));
        }
        state.bytes += job.bytes();
        state.jobs.push(job);
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for jobs and takes all of them; nothing once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.state.lock();
        while state.jobs.is_empty() && !state.closed {
            self.arrived.wait(&mut state);
        }
        state.bytes = 0;
        let jobs = mem::take(&mut state.jobs);
        (!jobs.is_empty()).then_some(jobs)
    }

    /// Takes what is left without waiting.
    pub(super) fn take_rest(&self) -> Vec<Job> {
        mem::take(&mut self.state.lock().jobs)
    }

    /// Refuses everything from now on; what waits is still taken.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
    }

    pub(super) fn note_kept(&self, records: u64) {
        let statistics = &mut self.state.lock().statistics;
        statistics.records += records;
        statistics.syncs += 1;
    }

    pub(super) fn note_failed(&self, records: u64) {
        self.state.lock().statistics.failed += records;
    }

    pub(super) fn note_bytes(&self, bytes: u64) {
        self.state.lock().statistics.log_bytes = bytes;
    }

    pub(super) fn statistics(&self) -> CommitStatistics {
        let state = self.state.lock();
        CommitStatistics {
            waiting: state.jobs.len(),
            ..state.statistics
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("statistics", &self.statistics())
            .finish()
    }
}
