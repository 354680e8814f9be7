//! One session: connect, poll and write, one request after the other, until stop or loss.

use std::convert::Infallible;
use std::time::Duration;

use mainstem_adapter::polled::{Halt, WRITES_IN_A_ROW, answered, next_write, unless_stopped};
use mainstem_adapter::{AdapterIo, Reading, SessionEnd};

use crate::adapter::Setup;
use crate::commands::STATE;
use crate::cycle::Cycles;
use crate::learned::Learned;
use crate::line::{CallError, Line, PEER};
use crate::resolving::Places;

/// The longest wait in one piece, where nothing is due at all.
const WAIT_MAX: Duration = Duration::from_secs(600);
/// The state of one session.
pub(crate) struct Session<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) learned: &'a mut Learned,
    pub(crate) io: &'a mut AdapterIo,
    pub(crate) cycles: Cycles,
    pub(crate) places: Places,
    pub(crate) readings: Vec<Reading>,
    pub(crate) online: bool,
}

impl<'a> Session<'a> {
    /// A session that has not begun.
    pub(crate) fn new(setup: &'a Setup, learned: &'a mut Learned, io: &'a mut AdapterIo) -> Self {
        Self {
            cycles: Cycles::new(setup, io.clock().monotonic()),
            places: Places::new(setup.bindings.len()),
            setup,
            learned,
            io,
            readings: Vec::new(),
            online: false,
        }
    }

    /// Serves until stop or loss.
    pub(crate) async fn run(mut self) -> Result<(), SessionEnd> {
        Halt::ended(self.serve().await)
    }

    async fn serve(&mut self) -> Result<Infallible, Halt> {
        let opening = Line::open(&self.setup.config, self.io.trace().clone());
        let mut line = unless_stopped(self.io, opening).await??;
        self.learned.begin(self.io.clock().monotonic());
        // The PLC has told its state.
        self.go_online();
        loop {
            for _ in 0..WRITES_IN_A_ROW {
                let Some(job) = self.io.try_next_write() else {
                    break;
                };
                self.write(&mut line, job).await?;
            }
            let now = self.io.clock().monotonic();
            let overruns = self.cycles.release(self.setup, self.learned, now);
            if overruns > 0 {
                self.io.statistics().overrun(overruns);
            }
            match self.cycles.next() {
                Some((group, members)) => self.poll(&mut line, group, members).await?,
                None => self.wait(&mut line).await?,
            }
        }
    }

    /// Until the next poll is due, a write comes, or nothing was heard for too long.
    async fn wait(&mut self, line: &mut Line) -> Result<(), Halt> {
        let quiet = self.setup.config.silence().saturating_sub(line.idle());
        let quiet = quiet.min(WAIT_MAX);
        match next_write(self.io, self.cycles.turns.next_due(), quiet).await? {
            Some(job) => self.write(line, job).await,
            None => self.see_life(line).await,
        }
    }

    /// Asks for a sign of life, if the last one is old.
    pub(crate) async fn see_life(&mut self, line: &mut Line) -> Result<(), Halt> {
        if line.idle() >= self.setup.config.silence() {
            let answered = self.ask(line, STATE, &[], 0).await?;
            answered.map_err(|error| self.lost(line, error))?;
        }
        Ok(())
    }

    /// Says that the PLC answers, and what it refused before, once.
    pub(crate) fn go_online(&mut self) {
        if self.online {
            return;
        }
        self.online = true;
        self.io.online();
        self.readings.extend(self.learned.refusals.readings());
        self.io.emit(&mut self.readings);
    }

    /// Sends one request, of whose answer `most` bytes are wanted. What does not reach the PLC ends
    /// the session.
    pub(crate) async fn ask(
        &mut self,
        line: &mut Line,
        command: u16,
        data: &[u8],
        most: usize,
    ) -> Result<Result<Vec<u8>, CallError>, Halt> {
        answered(self.io, line.call(command, data, most)).await
    }

    /// The end of a session whose connection broke.
    pub(crate) fn lost(&self, line: &Line, error: CallError) -> SessionEnd {
        match error {
            CallError::Broken(error) => {
                PEER.lost(line.place(), error, self.setup.config.answering())
            }
            CallError::Astray(code) => line.astray(code),
        }
    }
}
