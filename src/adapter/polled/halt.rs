//! How a session waits and ends: each wait ends at once when the runner wants the session to end.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use mainstem_model::Monotonic;

use crate::{AdapterIo, SessionEnd, WriteJob};

/// Writes carried out before a poll gets its turn, so that a flood of writes stops no reading.
pub const WRITES_IN_A_ROW: usize = 8;

/// Why the session does not go on.
#[derive(Debug)]
pub enum Halt {
    /// The runner wants it to end.
    Stopped,
    /// It cannot go on.
    End(SessionEnd),
}

impl From<SessionEnd> for Halt {
    fn from(end: SessionEnd) -> Self {
        Self::End(end)
    }
}

impl Halt {
    /// The end of a session that serves until it halts, as the runner wants to hear it.
    pub fn ended(served: Result<Infallible, Self>) -> Result<(), SessionEnd> {
        match served {
            Ok(never) => match never {},
            Err(Self::Stopped) => Ok(()),
            Err(Self::End(end)) => Err(end),
        }
    }
}

/// What comes of some work, unless the session has to end before.
pub async fn unless_stopped<T>(io: &AdapterIo, work: impl Future<Output = T>) -> Result<T, Halt> {
    tokio::select! {
        biased;
        () = io.stopped() => Err(Halt::Stopped),
        done = work => Ok(done),
    }
}

/// The answer to a request; how long it took is counted.
pub async fn answered<T, E>(
    io: &AdapterIo,
    call: impl Future<Output = Result<T, E>>,
) -> Result<Result<T, E>, Halt> {
    let begun = Instant::now();
    let answer = unless_stopped(io, call).await?;
    if answer.is_ok() {
        io.statistics().answered(begun.elapsed());
    }
    Ok(answer)
}

/// The next write; nothing if before that a poll is due, or the device was `quiet` for so long that
/// it should be asked for a sign of life.
pub async fn next_write(
    io: &mut AdapterIo,
    due: Option<Monotonic>,
    quiet: Duration,
) -> Result<Option<WriteJob>, Halt> {
    let now = io.clock().monotonic();
    let due = due.map_or(quiet, |due| due.since(now));
    let stopped = io.stopped();
    tokio::select! {
        biased;
        () = stopped => Err(Halt::Stopped),
        job = io.next_write() => Ok(Some(job)),
        () = tokio::time::sleep(due.min(quiet)) => Ok(None),
    }
}
