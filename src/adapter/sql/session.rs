//! One session: a probe, polls of each endpoint one after the other, questions and writes beside
//! them, never more at a time than there are connections.

mod answers;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use mainstem_adapter::{
    Adapter, AdapterIo, AskJob, Asks, PointId, PollSchedule, Reading, SessionEnd, WriteJob,
};
use mainstem_model::Monotonic;

use crate::driver::{Answer, Failure};
use crate::incremental::Position;
use crate::kept::Positions;
use crate::param::{self, Said};
use crate::plan::{PointPlan, ServerPlan};
use crate::pool::Pool;
use answers::{lost, missing};

/// A database and the datapoints that are in it.
pub(crate) struct SqlAdapter {
    plan: Arc<ServerPlan>,
    points: Vec<Arc<PointPlan>>,
    kept: Positions,
    /// How far each incremental endpoint has come; `None` for the others, and before the first
    /// session.
    positions: Vec<Option<Position>>,
    is_begun: bool,
}

/// What ended beside the loop.
enum Done {
    Polled(usize, Result<Answer, Failure>),
    Kept(usize, std::io::Result<()>),
    Probed(Result<(), Failure>),
    Other(Option<Failure>),
}

impl SqlAdapter {
    pub(crate) fn new(plan: ServerPlan, points: Vec<PointPlan>, folder: PathBuf) -> Self {
        Self {
            plan: Arc::new(plan),
            positions: vec![None; points.len()],
            points: points.into_iter().map(Arc::new).collect(),
            kept: Positions::new(folder),
            is_begun: false,
        }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let mut asks = io.take_asks();
        let pool = Pool::new(Arc::clone(&self.plan), Arc::clone(io.statistics()));
        let pool = Arc::new(pool);
        let begin = async {
            self.begin().await?;
            pool.probe().await.map_err(|failure| lost(&failure))
        };
        tokio::select! {
            () = &mut stopped => return Ok(()),
            begun = begin => begun?,
        }
        io.online();
        let mut session = Session {
            pool,
            points: &self.points,
            positions: &mut self.positions,
            kept: &self.kept,
            work: FuturesUnordered::new(),
            busy: vec![false; self.points.len()],
            polls: 0,
            again: Vec::new(),
            readings: Vec::new(),
            is_probing: false,
        };
        tokio::select! {
            () = &mut stopped => Ok(()),
            end = session.run(io, &mut asks) => Err(end),
        }
    }

    /// Before the first session: where incremental endpoints go on.
    async fn begin(&mut self) -> Result<(), SessionEnd> {
        if self.is_begun || self.points.iter().all(|point| point.incremental.is_none()) {
            return Ok(());
        }
        let read = self.kept.read().await;
        let mut kept = read.map_err(|error| {
            let message = format!("how far its rows were read cannot be told: {error}");
            SessionEnd::lost("positions_unreadable", message)
        })?;
        for (point, position) in self.points.iter().zip(&mut self.positions) {
            if let Some(plan) = &point.incremental {
                *position = Some(plan.begin(kept.remove(&point.name)));
            }
        }
        self.is_begun = true;
        Ok(())
    }
}

impl Adapter for SqlAdapter {
    fn session<'a>(
        &'a mut self,
        io: &'a mut AdapterIo,
    ) -> mainstem_adapter::BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }

    fn is_asked(&self) -> bool {
        true
    }

    fn interval(&self, point: PointId) -> Option<std::time::Duration> {
        let point = self.points.get(point.0 as usize)?;
        Some(point.interval)
    }
}

struct Session<'a> {
    pool: Arc<Pool>,
    points: &'a [Arc<PointPlan>],
    positions: &'a mut [Option<Position>],
    kept: &'a Positions,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    /// The endpoints that a poll is under way for.
    busy: Vec<bool>,
    /// Polls under way.
    polls: usize,
    /// Incremental endpoints with more rows to be read at once.
    again: Vec<usize>,
    readings: Vec<Reading>,
    is_probing: bool,
}

impl Session<'_> {
    async fn run(&mut self, io: &mut AdapterIo, asks: &mut Option<Asks>) -> SessionEnd {
        let plan = Arc::clone(&self.pool.plan);
        let polled: Vec<usize> = (0..self.points.len())
            .filter(|index| self.points[*index].is_polled)
            .collect();
        let intervals = polled.iter().map(|index| self.points[*index].interval);
        let mut schedule = PollSchedule::new(intervals, io.clock().monotonic());
        let mut probe_due = io.clock().monotonic().after(plan.probe);
        loop {
            let now = io.clock().monotonic();
            while self.polls < plan.polls_max()
                && let Some(at) = self.again.iter().position(|index| !self.busy[*index])
            {
                let index = self.again.swap_remove(at);
                self.poll(index, io);
            }
            while self.polls < plan.polls_max()
                && let Some(due) = schedule.take_due(now)
            {
                io.statistics().overrun(due.overruns);
                self.poll(polled[due.group], io);
            }
            if probe_due <= now {
                self.probe();
                probe_due = now.after(plan.probe);
            }
            let is_full = self.work.len() >= plan.connections;
            let due = match self.polls < plan.polls_max() {
                true => schedule.next_due(),
                false => None,
            };
            let next = [due, Some(probe_due)].into_iter().flatten().min();
            let wake = io.sleep_until(next.unwrap_or(Monotonic::from_micros(u64::MAX)));
            tokio::select! {
                Some(done) = self.work.next() => {
                    if let Some(end) = self.done(done, io) {
                        return end;
                    }
                }
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
        let pool = Arc::clone(&self.pool);
        let look = async move { Done::Probed(pool.probe().await) };
        self.work.push(look.boxed());
    }

    /// A slow answer delays only its own endpoint: what is due meanwhile is left out.
    fn poll(&mut self, index: usize, io: &AdapterIo) {
        if std::mem::replace(&mut self.busy[index], true) {
            io.statistics().overrun(1);
            return;
        }
        let (pool, point) = (Arc::clone(&self.pool), Arc::clone(&self.points[index]));
        let last = point
            .incremental
            .as_ref()
            .zip(self.positions[index].as_ref());
        let last = last.map(|(plan, position)| plan.parameter(position));
        self.polls += 1;
        let read = async move {
            let answer = match values(&point, last) {
                Ok((statement, values)) => pool.run(statement, values, || {}).await,
                Err(failure) => Err(failure),
            };
            Done::Polled(index, answer)
        };
        self.work.push(read.boxed());
    }

    fn write(&mut self, mut job: WriteJob, io: &AdapterIo) {
        let Some(point) = self.points.get(job.point.0 as usize).cloned() else {
            return;
        };
        let Some(statement) = &point.write else {
            return;
        };
        let values = match param::fill(statement, &point.fixed, &Said::written(&job.value)) {
            Ok(values) => values,
            Err(name) => {
                io.statistics().wrote();
                job.answer(missing(&name));
                return;
            }
        };
        let (pool, statistics) = (Arc::clone(&self.pool), Arc::clone(io.statistics()));
        let write = async move {
            let Some(statement) = &point.write else {
                return Done::Other(None);
            };
            let answer = pool.run(statement, values, || job.begin()).await;
            if matches!(answer, Ok(_) | Err(Failure::Refused { .. })) {
                statistics.wrote();
            }
            let failure = answer.as_ref().err().cloned();
            job.answer(answers::outcome(&point, answer));
            Done::Other(failure)
        };
        self.work.push(write.boxed());
    }

    fn ask(&mut self, job: AskJob) {
        let Some(point) = self.points.get(job.point.0 as usize).cloned() else {
            return;
        };
        let pool = Arc::clone(&self.pool);
        let read = async move {
            let (told, failure) = answers::asked(&pool, &point, &job.arguments).await;
            job.answer(told);
            Done::Other(failure)
        };
        self.work.push(read.boxed());
    }

    /// Takes an end in; the end of the session where the server is away.
    fn done(&mut self, done: Done, io: &AdapterIo) -> Option<SessionEnd> {
        let failure = match done {
            Done::Polled(index, answer) => {
                self.polls -= 1;
                self.busy[index] = false;
                let failure = answer.as_ref().err().cloned();
                self.tell(index, answer, io);
                failure
            }
            Done::Kept(index, kept) => {
                self.busy[index] = false;
                if let Err(error) = kept {
                    io.statistics().failed("position_not_kept");
                    let point = &self.points[index].name;
                    tracing::warn!(%error, point, "how far rows were read is not on the disk");
                }
                None
            }
            Done::Probed(answer) => {
                self.is_probing = false;
                answer.err()
            }
            Done::Other(failure) => failure,
        };
        match failure? {
            Failure::Refused { .. } => {
                io.statistics().failed("refused");
                None
            }
            Failure::TooLarge(_) => {
                io.statistics().failed("too_large");
                None
            }
            away => Some(lost(&away)),
        }
    }
}

/// The statement of a poll with its values.
fn values(
    point: &PointPlan,
    last: Option<param::Param>,
) -> Result<(&crate::statement::Statement, Vec<param::Param>), Failure> {
    let refused = |message: String| Failure::Refused {
        code: "parameter".into(),
        message,
    };
    let statement = point.query.as_ref();
    let statement = statement.ok_or_else(|| refused("there is nothing to be asked".into()))?;
    let mut fixed = point.fixed.clone();
    fixed.extend(last.map(|last| (crate::incremental::LAST.to_owned(), last)));
    let values = param::fill(statement, &fixed, &Said::nothing());
    let values = values.map_err(|name| refused(format!("`@{name}` has no value")))?;
    Ok((statement, values))
}

async fn next_ask(asks: &mut Option<Asks>) -> Option<AskJob> {
    match asks {
        Some(asks) => asks.recv().await,
        None => std::future::pending().await,
    }
}
