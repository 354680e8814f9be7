//! The loop of an open session: subscriptions, polls, writes and silence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use mainstem_adapter::{AdapterIo, BoxFuture, PointId, Reading, SessionEnd, WriteJob};
use mainstem_model::Reason;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::done::Done;
use super::freshness::Freshness;
use crate::plan::Plan;
use crate::polls::Polls;
use crate::ua::NodeId;
use crate::ua::from_device;
use crate::ua::link::{Event, Link, Server};
use crate::ua::requests::Requests;
use crate::ua::subscribe::{Group, Inbox};
use crate::ua::to_device::NodeType;

/// An open session at work.
pub(super) struct Running<'a> {
    pub(super) plan: &'a Plan,
    pub(super) io: &'a mut AdapterIo,
    pub(super) link: Link,
    pub(super) requests: Requests,
    pub(super) items_max: usize,
    pub(super) nodes: Vec<Option<NodeId>>,
    pub(super) polls: Polls,
    // Requests under way, `maxInFlight` at most.
    pub(super) jobs: FuturesUnordered<BoxFuture<'static, Done>>,
    pub(super) inbox: Arc<Mutex<Inbox>>,
    pub(super) to_subscribe: Vec<Group>,
    pub(super) subscriptions: BTreeMap<Duration, u32>,
    // The points of each publishing interval, for which the server vouches together.
    pub(super) subscribed: BTreeMap<Duration, Vec<PointId>>,
    pub(super) retry: Option<(Instant, Vec<PointId>)>,
    pub(super) types: BTreeMap<PointId, NodeType>,
    // Writes to one node go one after the other, so that they arrive in their order.
    pub(super) writing: BTreeSet<PointId>,
    pub(super) held: Option<WriteJob>,
    heard: Instant,
    pub(super) readings: Vec<Reading>,
    // In a redundant set only.
    pub(super) freshness: Option<&'a mut Freshness>,
}

impl<'a> Running<'a> {
    /// Begins with every subscription to make and every poll due.
    pub(super) fn new(
        plan: &'a Plan,
        io: &'a mut AdapterIo,
        link: Link,
        server: &Server,
        requests: Requests,
    ) -> Self {
        let nodes: Vec<_> = plan
            .points
            .iter()
            .map(|point| server.node(&point.address))
            .collect();
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
            subscribed: plan.subscribed(),
            retry: None,
            types: BTreeMap::new(),
            writing: BTreeSet::new(),
            held: None,
            heard: now,
            readings: Vec::new(),
            freshness: None,
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

    fn on_event(&mut self, event: &Event) -> Result<(), SessionEnd> {
        match event {
            Event::Heard => self.heard = Instant::now(),
            Event::KeepAliveFailed(code) => self.io.statistics().failed(code),
            Event::Nothing => {}
        }
        let Inbox {
            values,
            alive,
            lost,
        } = std::mem::take(&mut *self.inbox.lock());
        for (id, found) in values {
            // A server may invent handles.
            if let Some(point) = self.plan.point(id) {
                let statistics = self.io.statistics();
                self.readings.push(from_device::reading(
                    id,
                    point.value_type,
                    &found,
                    statistics,
                ));
            }
        }
        self.emit();
        // What it did not send has not changed.
        for points in alive
            .iter()
            .filter_map(|publish| self.subscribed.get(publish))
        {
            self.io.confirm(points);
        }
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
            self.emit();
            return Ok(());
        }
        // Under load the sign of life may lie in the socket while the timer is looked at first.
        if let Some(event) = self.link.event().now_or_never() {
            return self.on_event(&event?);
        }
        self.link.gone = true;
        let silence = now.duration_since(self.heard).as_secs_f64();
        let message = format!(
            "the server at {} is silent for {silence:.1} s",
            self.link.url
        );
        Err(SessionEnd::lost("keep_alive", message))
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
        let kept_back = self
            .freshness
            .as_ref()
            .and_then(|freshness| freshness.due());
        [self.polls.next_due(), retry, kept_back]
            .into_iter()
            .flatten()
            .fold(self.silent_at(), Instant::min)
    }

    fn report_unknown_namespaces(&mut self) {
        for (node, id) in self.nodes.iter().zip(0..) {
            if node.is_none() {
                self.readings
                    .push(Reading::failed(PointId(id), Reason::BadAddress));
            }
        }
        self.emit();
    }

    pub(super) fn emit(&mut self) {
        if let Some(freshness) = &mut self.freshness {
            freshness.pass(&mut self.readings, Instant::now());
        }
        self.io.emit(&mut self.readings);
    }
}
