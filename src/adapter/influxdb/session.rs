//! One session: a probe, polls of each endpoint one after the other, writes and questions beside
//! them, and the lines of datapoints in requests of many.

mod outgoing;
mod works;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use mainstem_adapter::{
    Adapter, AdapterIo, AskJob, Asks, Outlet, PointId, PollSchedule, Reading, SessionEnd, WriteJob,
};
use mainstem_model::{GlobSet, Monotonic};

use self::outgoing::Carrying;
use crate::answer::Table;
use crate::client::{Failure, Server};
use crate::plan::{PointPlan, ServerPlan};

/// Requests at the same time, beside the one with lines.
const REQUESTS_MAX: usize = 8;

/// A server, the datapoints that are asked of it, and those that are written to it.
pub(crate) struct InfluxAdapter {
    plan: Arc<ServerPlan>,
    points: Vec<Arc<PointPlan>>,
    /// What is carried out; it outlives sessions, so that nothing is lost between them.
    carrying: Carrying,
}

/// What ended beside the loop.
enum Done {
    Polled(usize, Result<Table, Failure>),
    Probed(Result<(), Failure>),
    Flushed(Result<(), Failure>),
    Other(Option<Failure>),
}

impl InfluxAdapter {
    pub(crate) fn new(plan: ServerPlan, points: Vec<PointPlan>) -> Self {
        Self {
            carrying: Carrying::new(&plan),
            plan: Arc::new(plan),
            points: points.into_iter().map(Arc::new).collect(),
        }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let server = Server::new(Arc::clone(&self.plan));
        let server = server.map_err(|message| SessionEnd::Misconfigured { message })?;
        let server = Arc::new(server);
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let mut asks = io.take_asks();
        self.carrying.begin(io);
        tokio::select! {
            () = &mut stopped => return Ok(()),
            probed = server.probe() => probed.map_err(|failure| works::lost(&failure))?,
            // Also while nobody answers, lines are gathered.
            () = self.carrying.gather_on(io) => {}
        }
        io.online();
        let mut session = Session {
            plan: &self.plan,
            server,
            points: &self.points,
            carrying: &mut self.carrying,
            work: FuturesUnordered::new(),
            busy: vec![false; self.points.len()],
            readings: Vec::new(),
            is_probing: false,
        };
        tokio::select! {
            () = &mut stopped => Ok(()),
            end = session.run(io, &mut asks) => Err(end),
        }
    }
}

impl Adapter for InfluxAdapter {
    fn session<'a>(
        &'a mut self,
        io: &'a mut AdapterIo,
    ) -> mainstem_adapter::BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }

    fn is_asked(&self) -> bool {
        true
    }

    fn carries_out(&self) -> Option<GlobSet> {
        self.plan.wanted.clone()
    }

    fn take_outlet(&mut self, outlet: Box<dyn Outlet>) {
        self.carrying.outlet = Some(outlet);
    }

    fn interval(&self, point: PointId) -> Option<std::time::Duration> {
        let point = self.points.get(point.0 as usize)?;
        Some(point.interval)
    }
}

struct Session<'a> {
    plan: &'a ServerPlan,
    server: Arc<Server>,
    points: &'a [Arc<PointPlan>],
    carrying: &'a mut Carrying,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    /// The endpoints that a poll is under way for.
    busy: Vec<bool>,
    readings: Vec<Reading>,
    is_probing: bool,
}

impl Session<'_> {
    async fn run(&mut self, io: &mut AdapterIo, asks: &mut Option<Asks>) -> SessionEnd {
        let polled: Vec<usize> = (0..self.points.len())
            .filter(|index| self.points[*index].is_polled)
            .collect();
        let intervals = polled.iter().map(|index| self.points[*index].interval);
        let mut schedule = PollSchedule::new(intervals, io.clock().monotonic());
        let mut probe_due = io.clock().monotonic().after(self.plan.probe);
        loop {
            let now = io.clock().monotonic();
            while self.work.len() < REQUESTS_MAX
                && let Some(due) = schedule.take_due(now)
            {
                io.statistics().overrun(due.overruns);
                self.poll(polled[due.group], io);
            }
            if probe_due <= now {
                self.probe();
                probe_due = now.after(self.plan.probe);
            }
            self.flush(now);
            let is_full = self.work.len() >= REQUESTS_MAX;
            let poll_due = if is_full { None } else { schedule.next_due() };
            let next = [poll_due, Some(probe_due), self.carrying.due(now)];
            let next = next.into_iter().flatten().min();
            let wake = io.sleep_until(next.unwrap_or(Monotonic::from_micros(u64::MAX)));
            tokio::select! {
                Some(done) = self.work.next() => {
                    if let Some(end) = self.done(done, io) {
                        return end;
                    }
                }
                missed = self.carrying.next() => self.carrying.gather(missed, io),
                job = io.next_write(), if !is_full => self.write(job, io),
                Some(job) = next_ask(asks), if !is_full => self.ask(job),
                () = wake => {}
            }
        }
    }

    fn probe(&mut self) {
        if std::mem::replace(&mut self.is_probing, true) {
            return;
        }
        let server = Arc::clone(&self.server);
        let look = async move { Done::Probed(server.probe().await) };
        self.work.push(look.boxed());
    }

    fn flush(&mut self, now: Monotonic) {
        let Some(body) = self.carrying.take(now) else {
            return;
        };
        let server = Arc::clone(&self.server);
        let write = async move { Done::Flushed(server.write(body).await) };
        self.work.push(write.boxed());
    }

    /// A slow answer delays only its own endpoint: what is due meanwhile is left out.
    fn poll(&mut self, index: usize, io: &AdapterIo) {
        if std::mem::replace(&mut self.busy[index], true) {
            io.statistics().overrun(1);
            return;
        }
        let (server, point) = (Arc::clone(&self.server), Arc::clone(&self.points[index]));
        let statistics = Arc::clone(io.statistics());
        let read = async move {
            let answer = works::asked(&server, &point, &serde_json::Map::new(), &statistics).await;
            Done::Polled(index, answer)
        };
        self.work.push(read.boxed());
    }

    fn write(&mut self, mut job: WriteJob, io: &AdapterIo) {
        let Some(point) = self.points.get(job.point.0 as usize) else {
            return;
        };
        let Some(write) = &point.write else {
            return;
        };
        let (version, precision) = (self.plan.version, self.plan.precision);
        let line = write.line(&job.value, io.clock().now(), version, precision);
        io.statistics().wrote();
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                job.answer(works::unwritable(&error));
                return;
            }
        };
        let server = Arc::clone(&self.server);
        let write = async move {
            job.begin();
            let answer = server.write(line).await;
            let failure = answer.as_ref().err().cloned();
            job.answer(works::outcome(answer));
            Done::Other(failure)
        };
        self.work.push(write.boxed());
    }

    fn ask(&mut self, job: AskJob) {
        let Some(point) = self.points.get(job.point.0 as usize).cloned() else {
            return;
        };
        let server = Arc::clone(&self.server);
        let read = async move {
            let (told, failure) = works::told(&server, &point, &job.arguments).await;
            job.answer(told);
            Done::Other(failure)
        };
        self.work.push(read.boxed());
    }

    /// Takes an end in; the end of the session where the server is away.
    fn done(&mut self, done: Done, io: &AdapterIo) -> Option<SessionEnd> {
        let failure = match done {
            Done::Polled(index, answer) => {
                self.busy[index] = false;
                let point = PointId(u32::try_from(index).unwrap_or(u32::MAX));
                self.readings
                    .push(works::reading(&self.points[index], point, &answer));
                io.emit(&mut self.readings);
                answer.err()
            }
            Done::Probed(answer) => {
                self.is_probing = false;
                return answer.err().map(|failure| works::lost(&failure));
            }
            Done::Flushed(answer) => self.carrying.flushed(answer, io),
            Done::Other(failure) => failure,
        };
        match failure? {
            // A server that is silent at one request is asked whether it is there at all.
            Failure::Lost(_) => {
                io.statistics().failed("no_answer");
                self.probe();
                None
            }
            away @ Failure::Connect(_) => Some(works::lost(&away)),
            Failure::Status { .. } | Failure::Refused(_) => {
                io.statistics().failed("refused");
                None
            }
            Failure::Body(_) => {
                io.statistics().failed("bad_answer");
                None
            }
        }
    }
}

async fn next_ask(asks: &mut Option<Asks>) -> Option<AskJob> {
    match asks {
        Some(asks) => asks.recv().await,
        None => std::future::pending().await,
    }
}
