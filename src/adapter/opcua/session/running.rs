//! The loop of an open session: subscriptions, polls, writes and silence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use mainstem_adapter::{AdapterIo, BoxFuture, PointId, Reading, SessionEnd, WriteAnswer, WriteJob};
use mainstem_model::Reason;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::done::Done;
use crate::plan::{Acquire, Plan};
use crate::polls::Polls;
use crate::ua::NodeId;
use crate::ua::from_device;
use crate::ua::link::{Event, Link, Server};
use crate::ua::requests::Requests;
use crate::ua::subscribe::{Group, Inbox, Item, subscribe};
use crate::ua::to_device::NodeType;

/// An open session at work.
pub(super) struct Running<'a> {
    pub(super) plan: &'a Plan,
    pub(super) io: &'a mut AdapterIo,
    pub(super) link: Link,
    requests: Requests,
    items_max: usize,
    nodes: Vec<Option<NodeId>>,
    pub(super) polls: Polls,
    // Requests under way, `maxInFlight` at most.
    jobs: FuturesUnordered<BoxFuture<'static, Done>>,
    inbox: Arc<Mutex<Inbox>>,
    to_subscribe: Vec<Group>,
    pub(super) subscriptions: BTreeMap<Duration, u32>,
    pub(super) retry: Option<(Instant, Vec<PointId>)>,
    pub(super) types: BTreeMap<PointId, NodeType>,
    // Writes to one node go one after the other, so that they arrive in their order.
    pub(super) writing: BTreeSet<PointId>,
    held: Option<WriteJob>,
    heard: Instant,
    pub(super) readings: Vec<Reading>,
}

impl<'a> Running<'a> {
    /// Begins with every subscription to make and every poll due.
    pub(super) fn new(
        plan: &'a Plan,
        io: &'a mut AdapterIo,
        link: Link,
        server: Server,
        requests: Requests,
    ) -> Self {
        let nodes: Vec<_> = plan.points.iter().map(|point| server.node(&point.address)).collect();
        let known = |id: &PointId| nodes.get(id.0 as usize).is_some_and(Option::is_some);
        let mut polled = plan.polled();
        polled.values_mut().for_each(|points| points.retain(known));
        let now = Instant::now();
        let mut running = Self {
            plan,
            io,
            link,
            requests,
            items_max: server.items_max,
            polls: Polls::new(polled, server.read_max, now),
            nodes,
            jobs: FuturesUnordered::new(),
            inbox: Arc::default(),
            to_subscribe: Vec::new(),
            subscriptions: BTreeMap::new(),
            retry: None,
            types: BTreeMap::new(),
            writing: BTreeSet::new(),
            held: None,
            heard: now,
            readings: Vec::new(),
        };
        running.report_unknown_namespaces();
        running.to_subscribe = running.groups(|_| true);
        running
    }

    /// Works until the session ends.
    pub(super) async fn run(&mut self) -> SessionEnd {
        loop {
            if let Err(end) = self.turn().await {
                return end;
            }
        }
    }

    /// Gives up what is under way: writes among it are answered as unknown.
    pub(super) fn into_link(self) -> Link {
        self.link
    }

    // Jobs end by events only and writes are limited by the jobs, so none of the branches before
    // the last one can starve it.
    async fn turn(&mut self) -> Result<(), SessionEnd> {
        self.start_jobs();
        let takes_writes = self.held.is_none() && self.has_room();
        let wake = self.wake_at();
        tokio::select! {
            biased;
            Some(done) = self.jobs.next(), if !self.jobs.is_empty() => self.on_done(done),
            job = self.io.next_write(), if takes_writes => {
                self.held = Some(job);
                Ok(())
            }
            () = sleep_until(wake) => self.on_time(),
            event = self.link.event() => self.on_event(&event?),
        }
    }

    fn has_room(&self) -> bool {
        self.jobs.len() < self.plan.connection.max_in_flight
    }

    fn start_jobs(&mut self) {
        while self.has_room() {
            if self.held.as_ref().is_some_and(|job| !self.writing.contains(&job.point)) {
                if let Some(job) = self.held.take() {
                    self.start_write(job);
                }
            } else if !self.to_subscribe.is_empty() {
                let groups = std::mem::take(&mut self.to_subscribe);
                let (requests, inbox) = (self.requests.clone(), self.inbox.clone());
                let items_max = self.items_max;
                self.jobs.push(Box::pin(async move {
                    Done::Subscribed(subscribe(&requests.session, groups, items_max, inbox).await)
                }));
            } else if let Some(batch) = self.polls.take() {
                let nodes = batch.points.iter().filter_map(|id| self.node(*id)).collect();
                let requests = self.requests.clone();
                self.jobs.push(Box::pin(async move {
                    Done::Read(batch, requests.read_values(nodes).await)
                }));
            } else {
                break;
            }
        }
    }

    fn start_write(&mut self, job: WriteJob) {
        let refuse = |job: WriteJob, code: &str, message: &str| {
            job.answer(WriteAnswer::Refused { code: code.into(), message: message.into() });
        };
        let id = job.point;
        if self.plan.point(id).is_none_or(|point| !point.writable) {
            return refuse(job, "BadNotWritable", "this endpoint is not configured for writes");
        }
        let Some(node) = self.node(id) else {
            return refuse(job, "BadNodeIdUnknown", "the server does not know the namespace");
        };
        self.writing.insert(id);
        let (requests, known) = (self.requests.clone(), self.types.get(&id).copied());
        self.jobs.push(Box::pin(async move {
            Done::Wrote(id, requests.write(job, node, known).await)
        }));
    }

    fn on_event(&mut self, event: &Event) -> Result<(), SessionEnd> {
        match event {
            Event::Heard => self.heard = Instant::now(),
            Event::KeepAliveFailed(code) => self.io.statistics().failed(code),
            Event::Nothing => {}
        }
        let (values, lost) = {
            let mut inbox = self.inbox.lock();
            (std::mem::take(&mut inbox.values), inbox.lost.take())
        };
        for (id, found) in values {
            // A server may invent handles.
            if let Some(point) = self.plan.point(id) {
                let statistics = self.io.statistics();
                self.readings.push(from_device::reading(id, point.value_type, &found, statistics));
            }
        }
        self.emit();
        lost.map_or(Ok(()), |status| Err(self.ended(status)))
    }

    fn on_time(&mut self) -> Result<(), SessionEnd> {
        let now = Instant::now();
        let missed = self.polls.tick(now);
        if missed > 0 {
            self.io.statistics().overrun(missed);
        }
        if let Some((_, points)) = self.retry.take_if(|(at, _)| *at <= now) {
            self.to_subscribe = self.groups(|id| points.contains(&id));
        }
        if now < self.silent_at() {
            return Ok(());
        }
        // Under load the sign of life may lie in the socket while the timer is looked at first.
        match self.link.event().now_or_never() {
            Some(event) => self.on_event(&event?),
            None => Err(SessionEnd::lost(
                "keep_alive",
                format!(
                    "the server at {} has been silent for {:.1} s",
                    self.link.url,
                    now.duration_since(self.heard).as_secs_f64()
                ),
            )),
        }
    }

    // Some servers answer one request after the other, so while one of ours is under way the
    // keep-alive may have to wait behind it.
    fn silent_at(&self) -> Instant {
        let connection = &self.plan.connection;
        let answers = if self.jobs.is_empty() { 1 } else { 2 };
        self.heard + connection.keep_alive + connection.request_timeout * answers
    }

    fn wake_at(&self) -> Instant {
        let retry = self.retry.as_ref().map(|(at, _)| *at);
        [self.polls.next_due(), retry]
            .into_iter()
            .flatten()
            .fold(self.silent_at(), Instant::min)
    }

    fn groups(&self, wanted: impl Fn(PointId) -> bool) -> Vec<Group> {
        let subscribed = self.plan.subscribed().into_iter();
        let group = |(publish, points): (Duration, Vec<PointId>)| {
            let items: Vec<_> = points
                .into_iter()
                .filter(|id| wanted(*id))
                .filter_map(|id| self.item(id))
                .collect();
            let id = self.subscriptions.get(&publish).copied();
            (!items.is_empty()).then_some(Group { publish, id, items })
        };
        subscribed.filter_map(group).collect()
    }

    fn item(&self, point: PointId) -> Option<Item> {
        match self.plan.point(point)?.acquire {
            Acquire::Subscribe { sampling, queue_size, discard_oldest, .. } => Some(Item {
                point,
                node: self.node(point)?,
                sampling,
                queue_size,
                discard_oldest,
            }),
            _ => None,
        }
    }

    fn node(&self, id: PointId) -> Option<NodeId> {
        self.nodes.get(id.0 as usize).cloned().flatten()
    }

    fn report_unknown_namespaces(&mut self) {
        for (node, id) in self.nodes.iter().zip(0..) {
            if node.is_none() {
                self.readings.push(Reading::failed(PointId(id), Reason::BadAddress));
            }
        }
        self.emit();
    }

    pub(super) fn emit(&mut self) {
        self.io.emit(&mut self.readings);
    }
}
