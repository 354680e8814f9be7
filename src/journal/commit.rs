//! Group commit: many records, one sync, on a thread that nobody waits for unless he wants to.

mod queue;
#[cfg(test)]
mod tests;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use crate::error::LogError;
use crate::log::AppendLog;
use queue::{Job, Queue};

/// Records that wait to be written; one more is refused.
pub const QUEUE_RECORDS_MAX: usize = 4096;
/// Bytes that wait to be written; a record that would exceed them is refused.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// Called exactly once with the fate of a record, on the log's own thread (or at once, on the
/// caller's, when the record is refused). It must not block; one that panics stops the log.
pub type Done = Box<dyn FnOnce(Result<(), CommitError>) + Send>;

/// Why a record was not, or may not have been, kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Too much waits already. The record was not written.
    #[error("more waits to be written than the disk takes: try again later")]
    QueueFull,
    /// The log has been stopped. The record was not written.
    #[error("the log has been stopped")]
    Stopped,
    /// The log refused the record. It was not written.
    #[error("the record was not written")]
    NotWritten(#[source] Arc<LogError>),
    /// The disk did not confirm. After the next start the record may be there or not.
    #[error("whether the record was kept is unknown")]
    Unknown(#[source] Arc<LogError>),
}

/// What a group commit has done since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommitStatistics {
    /// Records kept.
    pub records: u64,
    /// Syncs that kept them.
    pub syncs: u64,
    /// Records refused because the queue was full.
    pub refused: u64,
    /// Records that failed, or whose fate is unknown.
    pub failed: u64,
    /// Records waiting now.
    pub waiting: usize,
    /// Bytes of the log after the last batch.
    pub log_bytes: u64,
}

/// An [`AppendLog`] on its own thread. All records that wait are written together and confirmed
/// by one sync. Dropping it writes what waits and stops the thread, as [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct GroupCommit {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<AppendLog>>,
}

impl GroupCommit {
    /// Starts the thread; `name` is what the system's tools show for it.
    pub fn start(name: &str, log: AppendLog) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(log.bytes()));
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(log, &shared))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// Hands a record over and returns at once. Records are written in the order of the calls.
    pub fn commit<F>(&self, payload: Vec<u8>, done: F)
    where
        F: FnOnce(Result<(), CommitError>) + Send + 'static,
    {
        self.queue.push(Job::Append {
            payload,
            done: Box::new(done),
        });
    }

    /// Hands a record over and waits for its fate.
    pub fn commit_and_wait(&self, payload: Vec<u8>) -> Result<(), CommitError> {
        self.wait(|done| Job::Append { payload, done })
    }

    /// Starts the log anew with the given records, after everything handed over so far. They
    /// must tell all that still counts of it, so nobody may commit between collecting them and
    /// this call.
    pub fn rotate<F>(&self, carried: Vec<Vec<u8>>, done: F)
    where
        F: FnOnce(Result<(), CommitError>) + Send + 'static,
    {
        self.queue.push(Job::Rotate {
            carried,
            done: Box::new(done),
        });
    }

    /// As [`rotate`](Self::rotate), and waits until it is done.
    pub fn rotate_and_wait(&self, carried: Vec<Vec<u8>>) -> Result<(), CommitError> {
        self.wait(|done| Job::Rotate { carried, done })
    }

    /// What it has done so far.
    pub fn statistics(&self) -> CommitStatistics {
        self.queue.statistics()
    }

    /// Writes what waits, stops the thread and gives the log back; nothing if the thread died.
    pub fn stop(mut self) -> Option<AppendLog> {
        self.join()
    }

    fn wait(&self, job: impl FnOnce(Done) -> Job) -> Result<(), CommitError> {
        let (sender, receiver) = sync_channel(1);
        // The receiver lives until the answer is there, so sending cannot fail.
        self.queue
            .push(job(Box::new(move |fate| drop(sender.send(fate)))));
        receiver.recv().unwrap_or(Err(CommitError::Stopped))
    }

    fn join(&mut self) -> Option<AppendLog> {
        self.queue.close();
        self.thread.take()?.join().ok()
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        drop(self.join());
    }
}

/// Closes the queue when the thread ends, however it ends, so that nobody waits for a dead one.
struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
        for job in self.0.take_rest() {
            job.answer(Err(CommitError::Stopped));
        }
    }
}

fn work(mut log: AppendLog, queue: &Queue) -> AppendLog {
    let _closing = Closing(queue);
    while let Some(batch) = queue.take() {
        let mut waiting = Vec::with_capacity(batch.len());
        for job in batch {
            match job {
                Job::Append { payload, done } => match log.append(&payload) {
                    Ok(()) => waiting.push(done),
                    Err(error) => refuse(queue, done, error),
                },
                Job::Rotate { carried, done } => {
                    confirm(&mut log, queue, &mut waiting);
                    match log.rotate(&carried) {
                        Ok(()) => tell(queue, done, Ok(())),
                        // A failed log may have changed its file before it failed.
                        Err(error) if log.is_failed() => doubt(queue, done, error),
                        Err(error) => refuse(queue, done, error),
                    }
                }
            }
        }
        confirm(&mut log, queue, &mut waiting);
        queue.note_bytes(log.bytes());
    }
    log
}

fn refuse(queue: &Queue, done: Done, error: LogError) {
    queue.note_failed(1);
    tell(queue, done, Err(CommitError::NotWritten(Arc::new(error))));
}

fn doubt(queue: &Queue, done: Done, error: LogError) {
    queue.note_failed(1);
    tell(queue, done, Err(CommitError::Unknown(Arc::new(error))));
}

/// Calls a callback. One that panics stops the log, so that its fault does not go unnoticed, but
/// only after everybody else has had his answer.
fn tell(queue: &Queue, done: Done, fate: Result<(), CommitError>) {
    if catch_unwind(AssertUnwindSafe(|| done(fate))).is_err() {
        queue.close();
    }
}

/// Syncs once for all records that were appended and tells each of them.
fn confirm(log: &mut AppendLog, queue: &Queue, waiting: &mut Vec<Done>) {
    if waiting.is_empty() {
        return;
    }
    let fate = log
        .sync()
        .map_err(|error| CommitError::Unknown(Arc::new(error)));
    match fate {
        Ok(()) => queue.note_kept(waiting.len() as u64),
        Err(_) => queue.note_failed(waiting.len() as u64),
    }
    for done in waiting.drain(..) {
        tell(queue, done, fate.clone());
    }
}
