//! One session with a cluster: who leads what, messages of each broker, writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mainstem_adapter::{
    Adapter, AdapterIo, BoxFuture, LogSource, PointId, Reading, SessionEnd, WriteJob,
};
use mainstem_model::Reason;
use tokio::time::{MissedTickBehavior, interval};

use crate::cluster;
use crate::connection::Dial;
use crate::fault::Fault;
use crate::kept::Kept;
use crate::payload;
use crate::plan::Plan;
use crate::protocol::codes;
use crate::protocol::metadata::Metadata;
use crate::taking::{Part, Taken, Taker};
use crate::writing::{Letter, Writer};

/// How often the places are written.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How often the cluster is asked whether topics have come, or partitions were added.
const LEARN_EVERY: Duration = Duration::from_secs(30);
/// Partitions that one connection reads.
const PARTS_MAX: usize = 1024;

/// One configured connection.
pub(crate) struct Kafka {
    plan: Plan,
    readings: Vec<Reading>,
}

type Takes<'a> = FuturesUnordered<BoxFuture<'a, Result<(Taker, Vec<Taken>), Fault>>>;

impl Kafka {
    pub(crate) fn new(plan: Plan) -> Self {
        let readings = Vec::new();
        Self { plan, readings }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        let plan = &self.plan.cluster;
        let dial = Dial::new(plan, io.trace().clone())
            .map_err(|message| SessionEnd::Misconfigured { message })?;
        let topics = self.topics();
        let cluster = tokio::select! {
            () = stopped => return Ok(()),
            learned = cluster::learn(&dial, plan, Some(&topics)) => learned.map_err(Fault::end)?,
        };
        io.online();
        let mut kept = Kept::read(plan.kept.clone()).await;
        let mut session = Session {
            plan: &self.plan,
            cluster: Arc::new(cluster),
            dial,
            kept: &mut kept,
            readings: &mut self.readings,
            topics,
        };
        let ended = session.run(io).await;
        // Also where the session broke: what was handed over is not taken again.
        if let Err(message) = kept.write().await {
            tracing::warn!(%message, "kafka");
        }
        ended
    }

    /// Every topic that is read or written.
    fn topics(&self) -> Vec<String> {
        let all = self
            .plan
            .points
            .iter()
            .map(|point| point.operation.topic.clone());
        let mut topics: Vec<String> = all.collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

struct Session<'a> {
    plan: &'a Plan,
    cluster: Arc<Metadata>,
    dial: Dial,
    kept: &'a mut Kept,
    readings: &'a mut Vec<Reading>,
    topics: Vec<String>,
}

impl Session<'_> {
    async fn run(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let plan = self.plan;
        let mut takes: Takes<'_> = FuturesUnordered::new();
        for (place, parts) in self.share_out(io).map_err(Fault::end)? {
            let dial = self.dial.clone();
            takes.push(Box::pin(async move {
                let taker = Taker::begin(dial, place, parts, &plan.cluster).await?;
                // What was found out is kept too, before anything came.
                Ok((taker, Vec::new()))
            }));
        }
        let writer = Writer::new(
            self.dial.clone(),
            Arc::clone(&self.cluster),
            plan.cluster.config.acks,
            plan.cluster.request_timeout(),
            Arc::clone(io.clock()),
            Arc::clone(io.statistics()),
        );
        let mut idle = Some(writer);
        let mut writing: FuturesUnordered<BoxFuture<'_, Result<Writer, Fault>>> =
            FuturesUnordered::new();
        let (mut keep, mut learn) = (interval(KEEP_EVERY), interval(LEARN_EVERY));
        for timer in [&mut keep, &mut learn] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
            timer.reset();
        }
        let mut learning = FuturesUnordered::new();
        let stopped = io.stopped();
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => return Ok(()),
                Some(taken) = takes.next() => {
                    let (taker, taken) = taken.map_err(Fault::end)?;
                    self.hand_over(&taker, taken, io);
                    takes.push(Box::pin(taker.take()));
                }
                Some(written) = writing.next() => idle = Some(written.map_err(Fault::end)?),
                job = io.next_write(), if idle.is_some() => if let Some(writer) = idle.take() {
                    let letter = self.letter(job, io);
                    writing.push(Box::pin(writer.send(letter)) as BoxFuture<'_, _>);
                },
                _ = keep.tick() => {
                    let written = self.kept.write().await;
                    written.map_err(|message| SessionEnd::lost("storage", message))?;
                }
                _ = learn.tick(), if learning.is_empty() => {
                    let (dial, topics) = (self.dial.clone(), self.topics.clone());
                    learning.push(async move {
                        cluster::learn(&dial, &plan.cluster, Some(&topics)).await
                    });
                }
                Some(learned) = learning.next() => self.compare(&learned.map_err(Fault::end)?)?,
            }
        }
    }

    /// The partitions by the broker that leads them. Topics that are not there make their
    /// datapoints bad, and nothing else.
    fn share_out(&mut self, io: &AdapterIo) -> Result<BTreeMap<(String, u16), Vec<Part>>, Fault> {
        let mut shares: BTreeMap<(String, u16), Vec<Part>> = BTreeMap::new();
        let mut count = 0;
        for (name, wanted) in &self.plan.topics {
            let topic = self.cluster.topics.iter().find(|topic| topic.name == *name);
            let code = topic.map_or(codes::UNKNOWN_TOPIC, |topic| topic.code);
            let partitions = topic
                .map(|topic| topic.partitions.as_slice())
                .unwrap_or_default();
            let is_wanted = |index: i32| {
                wanted
                    .partitions
                    .as_ref()
                    .is_none_or(|partitions| partitions.contains(&index))
            };
            let mut chosen = partitions
                .iter()
                .filter(|part| is_wanted(part.index))
                .peekable();
            if code != 0 || chosen.peek().is_none() {
                let word = codes::word(if code == 0 {
                    codes::UNKNOWN_TOPIC
                } else {
                    code
                });
                io.statistics().failed(word);
                io.log(
                    LogSource::Node,
                    &format!("the broker says {word} of {name}"),
                );
                let failed = |&id: &PointId| Reading::failed(id, Reason::BadAddress);
                self.readings.extend(wanted.points.iter().map(failed));
                continue;
            }
            let points: Arc<[PointId]> = wanted.points.as_slice().into();
            for partition in chosen {
                count += 1;
                if count > PARTS_MAX {
                    io.statistics().failed("too_many_partitions");
                    continue;
                }
                let place = cluster::leader(&self.cluster, name, *partition)?;
                shares.entry(place).or_default().push(Part {
                    topic: name.as_str().into(),
                    partition: partition.index,
                    points: Arc::clone(&points),
                    from: wanted.from,
                    keep: wanted.keep,
                    place: self
                        .kept
                        .place(name, partition.index)
                        .filter(|_| wanted.keep),
                });
            }
        }
        io.emit(self.readings);
        Ok(shares)
    }

    /// Messages to readings. Only then their place is kept.
    fn hand_over(&mut self, taker: &Taker, all: Vec<Taken>, io: &AdapterIo) {
        for taken in all {
            let topic = &taken.part.topic;
            for problem in &taken.broken {
                io.statistics().failed("broken_batch");
                io.log(LogSource::Node, &format!("{topic}: {problem}; passed over"));
            }
            if taken.is_gap {
                io.statistics()
                    .failed(codes::word(codes::OFFSET_OUT_OF_RANGE));
                let text = format!("{topic}: messages were deleted before they were taken");
                io.log(LogSource::Node, &text);
            }
            if taken.code != 0 {
                io.statistics().failed(codes::word(taken.code));
            }
            let is_bad = taken.code != 0 || !taken.broken.is_empty();
            for &id in &*taken.part.points {
                let Some(point) = self.plan.points.get(id.0 as usize) else {
                    continue;
                };
                let named = &point.operation.partitions;
                let is_read = |all: &Vec<i32>| all.contains(&taken.part.partition);
                if !named.as_ref().is_none_or(is_read) {
                    continue;
                }
                if is_bad {
                    let reason = match taken.code {
                        0 => Reason::DeviceError,
                        _ => Reason::BadAddress,
                    };
                    self.readings.push(Reading::failed(id, reason));
                }
                let read = |message| payload::reading(id, point, message);
                self.readings.extend(taken.messages.iter().filter_map(read));
            }
        }
        io.emit(self.readings);
        for part in taker.parts() {
            // The broker vouches for what it sent last: there is nothing behind it.
            io.confirm(&part.points);
            if let Some(place) = part.place.filter(|_| part.keep) {
                self.kept.note(&part.topic, part.partition, place);
            }
        }
    }

    fn letter(&self, job: WriteJob, io: &AdapterIo) -> Letter {
        // The runner knows the same datapoints.
        let point = &self.plan.points[job.point.0 as usize];
        Letter {
            message: payload::written(point, &job.value, io.clock().now()),
            operation: point.operation.clone(),
            job,
        }
    }

    /// A session is of the topics and partitions that it began with.
    fn compare(&self, learned: &Metadata) -> Result<(), SessionEnd> {
        let shape = |cluster: &Metadata| -> Vec<(String, usize)> {
            let topics = cluster.topics.iter();
            let mut shape: Vec<_> = topics
                .map(|topic| (topic.name.clone(), topic.partitions.len()))
                .collect();
            shape.sort_unstable();
            shape
        };
        match shape(learned) == shape(&self.cluster) {
            true => Ok(()),
            false => {
                let message = "topics or partitions have changed; they are read anew";
                Err(SessionEnd::lost("topics_changed", message))
            }
        }
    }
}

impl Adapter for Kafka {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }
}
