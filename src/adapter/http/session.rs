//! One session: probe, polls of each endpoint one after the other, questions and writes beside
//! them, a bounded number at the same time.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use mainstem_adapter::{
    Adapter, AdapterIo, AskJob, Asks, PointId, PollSchedule, Reading, SessionEnd, WriteAnswer,
    WriteJob,
};
use mainstem_model::Monotonic;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;

use crate::answer::{Answer, Failure};
use crate::client::{More, Service};
use crate::plan::{PointPlan, ServicePlan};
use crate::{address, poll};

/// A service and the datapoints that it has.
pub(crate) struct HttpAdapter {
    plan: Arc<ServicePlan>,
    points: Vec<PointPlan>,
}

/// What ended beside the loop.
enum Done {
    Polled(usize, Result<Answer, Failure>),
    Asked(usize, Result<Answer, Failure>),
    Probed(Result<(), Failure>),
    Other(Option<Failure>),
}

type Work = FuturesUnordered<BoxFuture<'static, Done>>;

impl HttpAdapter {
    pub(crate) fn new(plan: ServicePlan, points: Vec<PointPlan>) -> Self {
        Self {
            plan: Arc::new(plan),
            points,
        }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let (clock, trace) = (Arc::clone(io.clock()), io.trace().clone());
        let service = Service::new(Arc::clone(&self.plan), clock, trace);
        let service = service.map_err(|message| SessionEnd::Misconfigured { message })?;
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let mut asks = io.take_asks();
        let mut session = Session {
            plan: Arc::clone(&self.plan),
            points: &self.points,
            service: Arc::new(service),
            work: FuturesUnordered::new(),
            busy: vec![false; self.points.len()],
            readings: Vec::new(),
            is_probing: false,
        };
        tokio::select! {
            () = &mut stopped => return Ok(()),
            answers = session.first_probe() => answers?,
        }
        io.online();
        tokio::select! {
            () = &mut stopped => Ok(()),
            end = session.run(io, &mut asks) => Err(end),
        }
    }
}

impl Adapter for HttpAdapter {
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
        self.points
            .get(point.0 as usize)
            .map(|point| point.interval)
    }
}

struct Session<'a> {
    plan: Arc<ServicePlan>,
    points: &'a [PointPlan],
    service: Arc<Service>,
    work: Work,
    /// The endpoints that a poll is under way for.
    busy: Vec<bool>,
    readings: Vec<Reading>,
    is_probing: bool,
}

impl Session<'_> {
    async fn first_probe(&mut self) -> Result<(), SessionEnd> {
        match &self.plan.probe {
            None => Ok(()),
            Some(probe) => self.service.probe(probe).await.map_err(|f| lost(&f)),
        }
    }

    async fn run(&mut self, io: &mut AdapterIo, asks: &mut Option<Asks>) -> SessionEnd {
        let polled: Vec<usize> = (0..self.points.len())
            .filter(|index| self.points[*index].is_polled)
            .collect();
        let intervals = polled.iter().map(|index| self.points[*index].interval);
        let mut schedule = PollSchedule::new(intervals, io.clock().monotonic());
        let mut probe_due = self.probe_due(io);
        loop {
            let now = io.clock().monotonic();
            while self.work.len() < self.plan.requests_max
                && let Some(due) = schedule.take_due(now)
            {
                io.statistics().overrun(due.overruns);
                self.poll(polled[due.group], io);
            }
            if probe_due.is_some_and(|due| due <= now) {
                self.probe();
                probe_due = self.probe_due(io);
            }
            let is_full = self.work.len() >= self.plan.requests_max;
            let next = match is_full {
                true => None,
                false => schedule.next_due(),
            };
            let next = [next, probe_due].into_iter().flatten().min();
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

    fn probe_due(&self, io: &AdapterIo) -> Option<Monotonic> {
        let probe = self.plan.probe.as_ref()?;
        Some(io.clock().monotonic().after(probe.interval))
    }

    fn probe(&mut self) {
        if self.plan.probe.is_none() || std::mem::replace(&mut self.is_probing, true) {
            return;
        }
        let (service, plan) = (Arc::clone(&self.service), Arc::clone(&self.plan));
        let look = async move {
            Done::Probed(match &plan.probe {
                Some(probe) => service.probe(probe).await,
                None => Ok(()),
            })
        };
        self.work.push(look.boxed());
    }

    /// A slow answer delays only its own endpoint: what is due meanwhile is left out.
    fn poll(&mut self, index: usize, io: &AdapterIo) {
        if std::mem::replace(&mut self.busy[index], true) {
            io.statistics().overrun(1);
            return;
        }
        let (service, point) = (Arc::clone(&self.service), self.points[index].clone());
        let more = More {
            body: point.body.as_deref().cloned(),
            ..More::default()
        };
        let read = async move { Done::Polled(index, service.request(&point, more).await) };
        self.work.push(read.boxed());
    }

    fn write(&mut self, mut job: WriteJob, io: &AdapterIo) {
        let Some(point) = self.points.get(job.point.0 as usize).cloned() else {
            return;
        };
        io.statistics().wrote();
        let service = Arc::clone(&self.service);
        let more = More {
            body: Some(poll::body(&point, &job.value)),
            ..More::default()
        };
        let write = async move {
            job.begin();
            let answer = service.request(&point, more).await;
            let failure = answer.as_ref().err().cloned();
            job.answer(outcome(answer));
            Done::Other(failure)
        };
        self.work.push(write.boxed());
    }

    fn ask(&mut self, job: AskJob) {
        let index = job.point.0 as usize;
        let Some(point) = self.points.get(index).cloned() else {
            return;
        };
        let more = match more(&job.arguments, &point) {
            Ok(more) => more,
            Err(message) => {
                let code = 400;
                job.answer(Err(mainstem_adapter::AskError::Refused { code, message }));
                return;
            }
        };
        let service = Arc::clone(&self.service);
        let read = async move {
            let answer = service.request(&point, more).await;
            let told = match &answer {
                Ok(answer) => poll::part(&point, answer),
                Err(failure) => Err(failure.clone()),
            };
            job.answer(told.map_err(|failure| poll::ask_error(&failure)));
            Done::Asked(index, answer)
        };
        self.work.push(read.boxed());
    }

    /// Takes an end in; the end of the session where the service is away.
    fn done(&mut self, done: Done, io: &AdapterIo) -> Option<SessionEnd> {
        let failure = match done {
            Done::Polled(index, answer) => {
                self.busy[index] = false;
                self.tell(index, &answer, io);
                answer.err()
            }
            Done::Asked(index, answer) => {
                if self.points[index].is_read {
                    self.tell(index, &answer, io);
                }
                answer.err()
            }
            Done::Probed(answer) => {
                self.is_probing = false;
                return answer.err().map(|failure| lost(&failure));
            }
            Done::Other(failure) => failure,
        };
        match failure? {
            away if away.is_away() => Some(lost(&away)),
            // A service that is silent at one place is asked whether it is there at all.
            silent @ Failure::Lost(_) => match self.plan.probe.is_some() {
                true => {
                    self.probe();
                    None
                }
                false => Some(lost(&silent)),
            },
            _ => None,
        }
    }

    fn tell(&mut self, index: usize, answer: &Result<Answer, Failure>, io: &AdapterIo) {
        let point = PointId(u32::try_from(index).unwrap_or(u32::MAX));
        let read = match answer {
            Ok(answer) => poll::value(&self.points[index], answer),
            Err(failure) => Err(poll::reason(failure)),
        };
        self.readings.push(match read {
            Ok(value) => Reading::good(point, value),
            Err(reason) => Reading::failed(point, reason),
        });
        io.emit(&mut self.readings);
    }
}

async fn next_ask(asks: &mut Option<Asks>) -> Option<AskJob> {
    match asks {
        Some(asks) => asks.recv().await,
        None => std::future::pending().await,
    }
}

fn lost(failure: &Failure) -> SessionEnd {
    match failure {
        Failure::Connect(_) => SessionEnd::lost("no_connection", failure.to_string()),
        _ => SessionEnd::lost("no_answer", failure.to_string()),
    }
}

fn outcome(answer: Result<Answer, Failure>) -> WriteAnswer {
    match answer {
        Ok(_) => WriteAnswer::Applied { verified: false },
        Err(Failure::Status { status, text }) => WriteAnswer::Refused {
            code: status.to_string(),
            message: format!("the service answered with {status}: {text}"),
        },
        Err(Failure::Connect(message)) => WriteAnswer::NotSent { message },
        Err(failure) => WriteAnswer::Unknown {
            message: failure.to_string(),
        },
    }
}

/// What a question says: `query`, `headers` and `body`.
fn more(arguments: &Json, point: &PointPlan) -> Result<More, String> {
    let map = |key| match arguments.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(map)) => Ok(Some(map)),
        Some(_) => Err(format!("`{key}` is no object")),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in map("headers")?.into_iter().flatten() {
        let text = address::text(value).ok_or_else(|| format!("the header {name} is no text"))?;
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&text),
        );
        let (Ok(name), Ok(value)) = parsed else {
            return Err(format!("`{name}` is no header"));
        };
        headers.insert(name, value);
    }
    let mut query = Vec::new();
    for (name, value) in map("query")?.into_iter().flatten() {
        let text = address::text(value).ok_or_else(|| format!("`{name}` is no single value"))?;
        query.push((name.clone(), text));
    }
    let own = point.body.as_deref().cloned();
    Ok(More {
        headers,
        query,
        body: arguments.get("body").cloned().or(own),
    })
}
