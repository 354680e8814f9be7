//! One session: connect, poll and write, one request after the other, until stop or loss.

use std::convert::Infallible;
use std::time::Duration;

use mainstem_adapter::polled::{
    CallError, Halt, WRITES_IN_A_ROW, answered, next_write, unless_stopped,
};
use mainstem_adapter::{AdapterIo, Reading, SessionEnd};

use crate::adapter::Setup;
use crate::cip::{self, ATTRIBUTE, Status};
use crate::cycle::{Cycles, MESSAGE_MAX, answer_bytes};
use crate::fault;
use crate::learned::Learned;
use crate::line::{Line, PEER};

/// After so much silence the controller is asked for a sign of life: one that is gone says
/// nothing, and a write that meets a dead connection has an unknown outcome.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(5);

/// The state of one session.
pub(crate) struct Session<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) learned: &'a mut Learned,
    pub(crate) io: &'a mut AdapterIo,
    pub(crate) cycles: Cycles,
    pub(crate) readings: Vec<Reading>,
    pub(crate) online: bool,
}

impl<'a> Session<'a> {
    /// A session that has not begun.
    pub(crate) fn new(setup: &'a Setup, learned: &'a mut Learned, io: &'a mut AdapterIo) -> Self {
        Self {
            cycles: Cycles::new(setup, io.clock().monotonic()),
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
        if self.setup.groups.is_empty() {
            // Nothing is polled, so the way to the controller shows itself by a sign of life.
            self.ask_for_life(&mut line).await?;
            self.go_online();
        }
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
            let (setup, learned) = (self.setup, &*self.learned);
            let is_single = learned.is_single || !setup.config.batch_read_enabled;
            let is_alone = |at: usize| {
                is_single || learned.is_long(at) || answer_bytes(&setup.bindings[at]) > MESSAGE_MAX
            };
            match self.cycles.next(&setup.bindings, is_alone) {
                Some((group, members)) => self.poll(&mut line, group, &members).await?,
                None => self.wait(&mut line).await?,
            }
        }
    }

    /// Until the next poll is due, a write comes, or nothing was heard for too long.
    async fn wait(&mut self, line: &mut Line) -> Result<(), Halt> {
        let quiet = IDLE_MAX.saturating_sub(line.idle());
        match next_write(self.io, self.cycles.turns.next_due(), quiet).await? {
            Some(job) => self.write(line, job).await,
            None => self.see_life(line).await,
        }
    }

    /// Asks for a sign of life, if the last one is old.
    pub(crate) async fn see_life(&mut self, line: &mut Line) -> Result<(), Halt> {
        if line.idle() >= IDLE_MAX {
            self.ask_for_life(line).await?;
        }
        Ok(())
    }

    /// Any answer of the controller will do, also a refusal.
    async fn ask_for_life(&mut self, line: &mut Line) -> Result<(), Halt> {
        let answer = self.ask(line, &cip::identity(), ATTRIBUTE).await?;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost(line, error).into()),
        }
    }

    /// Says that the controller answers, and what it refused before, once.
    pub(crate) fn go_online(&mut self) {
        if self.online {
            return;
        }
        self.online = true;
        self.io.online();
        self.readings.extend(self.learned.refusals.readings());
        self.io.emit(&mut self.readings);
    }

    /// Sends one request; returns its status and its data. What did not reach the controller ends
    /// the session.
    pub(crate) async fn ask(
        &mut self,
        line: &mut Line,
        request: &[u8],
        service: u8,
    ) -> Result<Result<(Status, Vec<u8>), CallError>, Halt> {
        let bytes = match answered(self.io, line.call(request)).await? {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error)),
        };
        match cip::answer(&bytes, service) {
            Ok(answer) if fault::is_way(answer.service, answer.status) => {
                Err(astray(line, answer.status))
            }
            Ok(answer) => Ok(Ok((answer.status, answer.data.to_vec()))),
            Err(what) => Ok(Err(CallError::Invalid(what))),
        }
    }

    /// The end of a session whose connection broke.
    pub(crate) fn lost(&self, line: &Line, error: CallError) -> SessionEnd {
        PEER.lost(line.place(), error, self.setup.config.answering())
    }
}

/// The device that listens does not find the controller.
fn astray(line: &Line, status: Status) -> Halt {
    let (place, what) = (line.place(), fault::way(status));
    Halt::End(SessionEnd::Refused {
        code: "no_way",
        message: format!(
            "{place} does not reach the controller (status {:#04x}, extended {:#06x}): {what}",
            status.general, status.extended
        ),
        retry_after: None,
    })
}
