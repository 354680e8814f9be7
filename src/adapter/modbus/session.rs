//! One session: connect, poll and write, one request after the other, until stop or loss.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use mainstem_adapter::{AdapterIo, PointId, Reading, SessionEnd};
use tokio_modbus::{ExceptionCode, Request};

use crate::adapter::{Experience, Setup};
use crate::binding::Table;
use crate::block::Span;
use crate::cycle::Cycles;
use crate::exception::explain;
use crate::line::{Answer, CallError, Line};
use crate::request::{Data, read_request, read_response};
use crate::unit::Unit;
use crate::way::Way;

/// Writes carried out before a poll gets its turn, so that a flood of writes stops no reading.
const WRITES_IN_A_ROW: usize = 8;
/// How long to wait at most when nothing is polled.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// Why the session does not go on.
pub(crate) enum Halt {
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

/// What became of a read.
pub(crate) enum Read {
    /// The data asked for.
    Data(Data),
    /// The device's exception.
    Exception(ExceptionCode),
    /// Nothing came.
    Silence,
}

/// The state of one session.
pub(crate) struct Session<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) io: &'a mut AdapterIo,
    pub(crate) line: Line,
    pub(crate) units: Vec<Unit>,
    pub(crate) experience: &'a mut Experience,
    pub(crate) cycles: Cycles,
    pub(crate) readings: Vec<Reading>,
    pub(crate) online: bool,
    /// The unit whose silence was the last thing that happened, if it answered before.
    pub(crate) fell_silent: Option<usize>,
}

impl<'a> Session<'a> {
    /// A session that has not begun.
    pub(crate) fn new(
        setup: &'a Setup,
        experience: &'a mut Experience,
        io: &'a mut AdapterIo,
    ) -> Self {
        let config = &setup.config;
        Self {
            line: Line::new(Way::new(config, &setup.home, io.trace()), config.timeout()),
            units: setup.fresh_units(),
            cycles: Cycles::new(setup, io.clock().monotonic()),
            online: false,
            fell_silent: None,
            readings: Vec::new(),
            setup,
            io,
            experience,
        }
    }

    /// Serves until stop or loss.
    pub(crate) async fn run(mut self) -> Result<(), SessionEnd> {
        match self.serve().await {
            Ok(never) => match never {},
            Err(Halt::Stopped) => Ok(()),
            Err(Halt::End(end)) => Err(end),
        }
    }

    async fn serve(&mut self) -> Result<Infallible, Halt> {
        self.connect().await?;
        if self.setup.groups.is_empty() {
            // There is nothing to ask for, so the open connection has to do as a sign of life.
            self.go_online();
        }
        loop {
            for _ in 0..WRITES_IN_A_ROW {
                let Some(job) = self.io.try_next_write() else {
                    break;
                };
                self.write(job).await?;
            }
            let now = self.io.clock().monotonic();
            let overruns = self.cycles.release(self.setup, self.experience, now);
            if overruns > 0 {
                self.io.statistics().overrun(overruns);
            }
            match self.cycles.next(self.setup, &self.units, now) {
                Some((group, block)) => self.poll(group, block).await?,
                None => self.wait().await?,
            }
        }
    }

    /// Until the next poll is due or a write comes.
    async fn wait(&mut self) -> Result<(), Halt> {
        let now = self.io.clock().monotonic();
        let due = self
            .cycles
            .next_due()
            .map_or(WAIT_MAX, |due| due.since(now));
        let stopped = self.io.stopped();
        let job = tokio::select! {
            biased;
            () = stopped => return Err(Halt::Stopped),
            job = self.io.next_write() => job,
            () = tokio::time::sleep(due) => return Ok(()),
        };
        self.write(job).await
    }

    pub(crate) async fn connect(&mut self) -> Result<(), Halt> {
        if self.line.is_up() {
            return Ok(());
        }
        let stopped = self.io.stopped();
        tokio::select! {
            biased;
            () = stopped => Err(Halt::Stopped),
            connected = self.line.connect() => Ok(connected?),
        }
    }

    /// Reads a span. A connection that the device closed while nothing was going on is opened
    /// again, once: many devices close what is idle.
    pub(crate) async fn read(
        &mut self,
        unit: usize,
        table: Table,
        span: Span,
    ) -> Result<Read, Halt> {
        let was_used = self.line.idle().is_some();
        let mut result = self.ask(unit, read_request(table, span)).await?;
        if was_used && matches!(result, Err(CallError::Closed(_))) {
            result = self.ask(unit, read_request(table, span)).await?;
        }
        // A unit that is down is not worth the time of the others.
        let mut retries = if self.units[unit].is_well() {
            self.setup.config.retries
        } else {
            0
        };
        while retries > 0 && matches!(result, Err(CallError::Timeout)) {
            retries -= 1;
            self.io.statistics().failed("retried");
            result = self.ask(unit, read_request(table, span)).await?;
        }
        match result {
            Ok(Ok(response)) => match read_response(response, span.count) {
                Ok(data) => Ok(Read::Data(data)),
                Err(problem) => {
                    self.line.reject();
                    Err(self.lost(CallError::Invalid(problem)).into())
                }
            },
            Ok(Err(exception)) => Ok(Read::Exception(exception)),
            Err(CallError::Timeout) => Ok(Read::Silence),
            Err(error) => Err(self.lost(error).into()),
        }
    }

    /// Sends one request, connecting before if that is needed.
    pub(crate) async fn ask(
        &mut self,
        unit: usize,
        request: Request<'_>,
    ) -> Result<Result<Answer, CallError>, Halt> {
        self.connect().await?;
        let (id, begun, stopped) = (self.units[unit].id, Instant::now(), self.io.stopped());
        let result = tokio::select! {
            biased;
            () = stopped => return Err(Halt::Stopped),
            result = self.line.call(id, request) => result,
        };
        let statistics = self.io.statistics();
        match &result {
            Ok(answer) => {
                statistics.answered(begun.elapsed());
                if let Err(exception) = answer {
                    statistics.failed(explain(*exception).code);
                }
            }
            // Counted by `unanswered` where they do not end the session.
            Err(CallError::Timeout | CallError::Closed(_) | CallError::Invalid(_)) => {}
        }
        Ok(result)
    }

    pub(crate) fn nobody_answers(&self) -> SessionEnd {
        let (place, timeout) = (self.line.place(), self.setup.config.timeout());
        let message = match self.units.as_slice() {
            [unit] => format!(
                "{place} accepts connections, but unit {} does not answer within {timeout:?}: \
                 check `unitId`, whether the device runs, and whether `socketTimeout` suffices",
                unit.id
            ),
            units => format!(
                "{place} accepts connections, but none of its {} units answers within \
                 {timeout:?}: check the gateway and the bus behind it",
                units.len()
            ),
        };
        SessionEnd::lost("timeout", message)
    }

    /// The end of a session whose connection broke.
    pub(crate) fn lost(&self, error: CallError) -> SessionEnd {
        let place = self.line.place();
        match error {
            CallError::Timeout => self.nobody_answers(),
            CallError::Closed(what) => SessionEnd::lost(
                "connection_closed",
                format!("lost the connection to {place}: {what}"),
            ),
            CallError::Invalid(what) => SessionEnd::lost(
                "invalid_answer",
                format!(
                    "{place} sent something that cannot be trusted: {what}: check that it is a \
                     Modbus TCP device and that nothing else answers on its behalf"
                ),
            ),
        }
    }
}

/// The datapoint of a binding.
pub(crate) fn point(index: usize) -> PointId {
    // A configuration has far fewer endpoints than this number can count.
    PointId(u32::try_from(index).unwrap_or(u32::MAX))
}
