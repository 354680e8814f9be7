//! One session with the broker.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use mainstem_adapter::{
    Adapter, AdapterIo, BoxFuture, PointId, Reading, SessionEnd, WriteAnswer, WriteJob,
};
use mainstem_model::{Reason, Topic, TopicFilter};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::line::{Full, Happening, Letter, Line, Remote};
use crate::payload;
use crate::plan::Plan;
use crate::writing::Writing;

/// What has happened and was not looked at yet.
const HAPPENINGS_MAX: usize = 256;
/// How often writes without an acknowledgement are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a goodbye may take.
pub(crate) const GOODBYE: Duration = Duration::from_millis(500);

/// One configured connection.
pub(crate) struct MqttAdapter {
    plan: Plan,
}

/// What lasts as long as the session.
struct Session<'a> {
    plan: &'a Plan,
    remote: Remote,
    /// Filters by place that are asked for and have no packet id yet, and those that have one.
    asking: VecDeque<TopicFilter>,
    asked: HashMap<u16, TopicFilter>,
    writing: Writing,
    readings: Vec<Reading>,
    is_up: bool,
}

impl MqttAdapter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let broker = &self.plan.broker;
        let tls = match &broker.config.tls {
            Some(tls) => match tls.load(&broker.home, &[]) {
                Ok(tls) => Some(tls),
                Err(message) => return Err(SessionEnd::Misconfigured { message }),
            },
            None => None,
        };
        let (mut line, remote) = Line::new(broker, tls, io.trace());
        let mut session = Session {
            plan: &self.plan,
            remote,
            asking: VecDeque::new(),
            asked: HashMap::new(),
            writing: Writing::default(),
            readings: Vec::new(),
            is_up: false,
        };
        let ended = session.talk(&mut line, io).await;
        if ended.is_ok() {
            session.remote.disconnect();
            let goodbye = async { while line.poll().await.is_ok() {} };
            drop(timeout(GOODBYE, goodbye).await);
        }
        ended
    }
}

impl Session<'_> {
    /// The connection is polled beside everything else and never dropped in between, so that no
    /// packet is lost; and nothing here waits for anybody, so that it is always polled.
    async fn talk(&mut self, line: &mut Line, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let (tell, mut told) = mpsc::channel(HAPPENINGS_MAX);
        let broker = &self.plan.broker;
        let patience = broker.keepalive() * 3 + broker.connect_timeout();
        let pump = async {
            loop {
                let Ok(happened) = timeout(patience, line.poll()).await else {
                    let message = "the broker does not take what it is sent";
                    return SessionEnd::lost("stuck", message);
                };
                match happened {
                    Ok(happening) => drop(tell.send(happening).await),
                    Err(end) => return end,
                }
            }
        };
        tokio::pin!(pump);
        let (stopped, mut look) = (io.stopped(), interval(LOOK_EVERY));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stopped);
        loop {
            let takes_writes = self.is_up && self.writing.has_room();
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                Some(happening) = told.recv() => {
                    self.note(happening, io)?;
                    while let Ok(happening) = told.try_recv() {
                        self.note(happening, io)?;
                    }
                    io.emit(&mut self.readings);
                }
                end = &mut pump => return Err(end),
                job = io.next_write(), if takes_writes => self.write(job, io),
                _ = look.tick() => self.look(io)?,
            }
        }
    }

    fn note(&mut self, happening: Happening, io: &AdapterIo) -> Result<(), SessionEnd> {
        match happening {
            Happening::Up => {
                self.is_up = true;
                io.online();
                self.subscribe()?;
            }
            Happening::Asked(id) => {
                if let Some(filter) = self.asking.pop_front() {
                    self.asked.insert(id, filter);
                }
            }
            Happening::Granted(id, outcome) => self.granted(id, outcome.is_ok()),
            Happening::Arrived { topic, payload } => self.arrive(&topic, &payload),
            Happening::Sent(id) => self.writing.sent(id),
            Happening::Acknowledged(id, outcome) => self.writing.acknowledged(id, outcome),
            Happening::Else => {}
        }
        Ok(())
    }

    fn subscribe(&mut self) -> Result<(), SessionEnd> {
        for (filter, (qos, _)) in &self.plan.filters {
            let asked = self.remote.subscribe(filter.as_str(), *qos);
            asked.map_err(|Full| SessionEnd::lost("busy", "too many filters at once"))?;
            self.asking.push_back(filter.clone());
        }
        Ok(())
    }

    fn granted(&mut self, id: u16, is_granted: bool) {
        let Some(filter) = self.asked.remove(&id) else {
            return;
        };
        if !is_granted && let Some((_, points)) = self.plan.filters.get(&filter) {
            let failed = |&point: &PointId| Reading::failed(point, Reason::BadAddress);
            self.readings.extend(points.iter().map(failed));
        }
    }

    fn arrive(&mut self, topic: &str, payload: &[u8]) {
        let Ok(topic) = Topic::new(topic) else { return };
        let plan = self.plan;
        // Most filters are topics, and are found at once; the others are walked over.
        let exact = plan.filters.get(&TopicFilter::from(&topic));
        let wild = plan.wild.iter().filter(|filter| filter.matches(&topic));
        let wild = wild.filter_map(|filter| plan.filters.get(filter));
        for (_, points) in exact.into_iter().chain(wild) {
            for &point in points {
                if let Some(setup) = plan.points.get(point.0 as usize) {
                    self.readings.push(payload::reading(point, setup, payload));
                }
            }
        }
    }

    fn write(&mut self, mut job: WriteJob, io: &AdapterIo) {
        let setup = self.plan.points.get(job.point.0 as usize);
        let topic = setup.and_then(|setup| Some((setup, setup.writes.as_ref()?)));
        let Some((setup, topic)) = topic else {
            return job.answer(WriteAnswer::Refused {
                code: "read_only".to_owned(),
                message: "this endpoint has no topic for writes".to_owned(),
            });
        };
        job.begin();
        let letter = Letter {
            topic: topic.as_str(),
            payload: payload::written(setup, &job.value, io.clock().now()),
            qos: setup.operation.qos,
            retain: setup.operation.retain,
        };
        match self.remote.publish(letter) {
            Ok(()) => {
                io.statistics().wrote();
                self.writing.handed(job);
            }
            Err(Full) => job.answer(WriteAnswer::NotSent {
                message: "too much waits for the connection".to_owned(),
            }),
        }
    }

    fn look(&self, io: &AdapterIo) -> Result<(), SessionEnd> {
        if self.writing.is_overdue(io.clock().monotonic()) {
            let message = format!(
                "the broker {} does not acknowledge what it is sent",
                self.plan.broker.address()
            );
            return Err(SessionEnd::lost("no_acknowledgement", message));
        }
        Ok(())
    }
}

impl Adapter for MqttAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }
}
