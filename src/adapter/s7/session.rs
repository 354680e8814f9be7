//! One session: connect, poll and write, one request after the other, until stop or loss.

use std::convert::Infallible;
use std::time::Duration;

use mainstem_adapter::polled::{
    CallError, Halt, WRITES_IN_A_ROW, answered, next_write, unless_stopped,
};
use mainstem_adapter::{AdapterIo, Reading, SessionEnd};

use crate::adapter::Setup;
use crate::address::Area;
use crate::block::{Reach, Span};
use crate::cycle::Cycles;
use crate::fault;
use crate::learned::Learned;
use crate::line::{Line, PEER};
use crate::pdu::{self, AnswerError, ITEM_HEADER, READ_OVERHEAD};

/// After so much silence the CPU is asked for a sign of life: a CPU that is gone says nothing, and
/// a write that meets a dead connection has an unknown outcome.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(5);
/// What is asked for as a sign of life; any answer will do.
const SIGN_OF_LIFE: Span = Span {
    area: Area::Flags,
    db: 0,
    start: 0,
    count: 1,
};

/// What the CPU says to a read: for each item its bytes or a code, or why none of them.
pub(crate) type Answers = Result<Vec<Result<Vec<u8>, u8>>, (u8, u8)>;

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
        let opening = Line::open(&self.setup.config, self.io.trace());
        let mut line = unless_stopped(self.io, opening).await??;
        self.learned.refusals.hurry(self.io.clock().monotonic());
        if self.setup.groups.is_empty() {
            // There is nothing to ask for, so the open connection has to do as a sign of life.
            self.go_online();
        }
        let reach = Reach {
            size_max: item_max(&line),
            gap_max: self.setup.config.max_gap,
        };
        loop {
            for _ in 0..WRITES_IN_A_ROW {
                let Some(job) = self.io.try_next_write() else {
                    break;
                };
                self.write(&mut line, job).await?;
            }
            let now = self.io.clock().monotonic();
            let overruns = self.cycles.release(self.setup, reach, self.learned, now);
            if overruns > 0 {
                self.io.statistics().overrun(overruns);
            }
            match self.cycles.next(line.pdu()) {
                Some((group, blocks)) => self.poll(&mut line, group, &blocks).await?,
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
            drop(self.read(line, &[SIGN_OF_LIFE]).await?);
        }
        Ok(())
    }

    /// Says that the CPU answers, and what it refused before, once.
    pub(crate) fn go_online(&mut self) {
        if self.online {
            return;
        }
        self.online = true;
        self.io.online();
        self.readings.extend(self.learned.refusals.readings());
        self.io.emit(&mut self.readings);
    }

    /// Reads some spans in one request.
    pub(crate) async fn read(&mut self, line: &mut Line, spans: &[Span]) -> Result<Answers, Halt> {
        let reference = line.next_reference();
        let request = pdu::read_request(reference, spans);
        let answer = self.ask(line, &request).await?;
        let answer = answer.map_err(|error| self.lost(line, error))?;
        match pdu::read_answer(&answer, reference, spans) {
            Ok(items) => {
                let owned = items.into_iter().map(|item| item.map(<[u8]>::to_vec));
                Ok(Ok(owned.collect()))
            }
            Err(AnswerError::Refused { class, code }) => {
                self.io
                    .statistics()
                    .failed(fault::request(class, code).code);
                Ok(Err((class, code)))
            }
            Err(AnswerError::Invalid(what)) => {
                Err(self.lost(line, CallError::Invalid(what)).into())
            }
        }
    }

    /// Reads one span, in several requests if it is longer than an item may be.
    pub(crate) async fn read_whole(
        &mut self,
        line: &mut Line,
        span: Span,
    ) -> Result<Result<Vec<u8>, u8>, Halt> {
        let step = u32::try_from(item_max(line)).unwrap_or(1).max(1);
        let mut bytes = Vec::with_capacity(span.bytes());
        let mut at = span.start;
        while at < span.end() {
            let count = step.min(span.end() - at);
            let part = Span {
                start: at,
                count,
                ..span
            };
            match self.read(line, &[part]).await? {
                Err((class, code)) => return Err(self.denied(line, class, code)),
                Ok(answers) => match answers.into_iter().next() {
                    Some(Ok(part)) => bytes.extend(part),
                    Some(Err(code)) => return Ok(Err(code)),
                    None => return Ok(Err(0)),
                },
            }
            at += count;
        }
        Ok(Ok(bytes))
    }

    /// Sends one request.
    pub(crate) async fn ask(
        &mut self,
        line: &mut Line,
        request: &[u8],
    ) -> Result<Result<Vec<u8>, CallError>, Halt> {
        answered(self.io, line.call(request)).await
    }

    /// The CPU lets nobody in, whatever the address: only its user can change that.
    pub(crate) fn denied(&self, line: &Line, class: u8, code: u8) -> Halt {
        let fault = fault::request(class, code);
        Halt::End(SessionEnd::Refused {
            code: fault.code,
            message: format!("{}: {}", line.place(), fault.message),
            retry_after: None,
        })
    }

    /// The end of a session whose connection broke.
    pub(crate) fn lost(&self, line: &Line, error: CallError) -> SessionEnd {
        PEER.lost(line.place(), error, self.setup.config.answering())
    }
}

/// Bytes that one item of an answer can carry.
pub(crate) fn item_max(line: &Line) -> usize {
    // Timers and counters take two bytes, so that an even number serves all areas.
    (line.pdu().saturating_sub(READ_OVERHEAD + ITEM_HEADER)) / 2 * 2
}
