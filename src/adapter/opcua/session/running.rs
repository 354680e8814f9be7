//! The loop of an open session: subscriptions, polls, writes and silence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use mainstem_adapter::{AdapterIo, BoxFuture, PointId, Reading, SessionEnd, WriteJob};
use mainstem_model::Reason;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Kept;
use super::done::Done;
use super::freshness::Freshness;
use super::intake::Question;
use super::start::RETRY_REFUSED;
use crate::browse_path::Address;
use crate::plan::Plan;
use crate::polls::Polls;
use crate::ua::holding::Holding;
use crate::ua::link::{Event, Link, Server};
use crate::ua::method::Signature;
use crate::ua::requests::Requests;
use crate::ua::resolve::Target;
use crate::ua::structures::Shape;
use crate::ua::subscribe::{Arrived, Group, Inbox};

/// What outlives the session, and what was learned at its beginning.
pub(super) struct Ground<'a> {
    /// What to do.
    pub(super) plan: &'a Plan,
    /// The last events and answers.
    pub(super) kept: &'a mut Kept,
    /// What is known about the server.
    pub(super) server: Arc<Server>,
}

/// Lost messages that are counted at a time; a number out of nowhere is no count.
const GAPS_COUNTED_MAX: u64 = 1000;

/// An open session at work.
pub(super) struct Running<'a> {
    pub(super) plan: &'a Plan,
    pub(super) kept: &'a mut Kept,
    pub(super) server: Arc<Server>,
    pub(super) io: &'a mut AdapterIo,
    pub(super) link: Link,
    pub(super) requests: Requests,
    pub(super) targets: Vec<Target>,
    pub(super) polls: Polls,
    // Requests under way, `maxInFlight` at most.
    pub(super) jobs: FuturesUnordered<BoxFuture<'static, Done>>,
    pub(super) inbox: Arc<Mutex<Inbox>>,
    pub(super) to_subscribe: Vec<Group>,
    pub(super) subscriptions: BTreeMap<Duration, u32>,
    // The points of each publishing interval, for which the server vouches together.
    pub(super) subscribed: BTreeMap<Duration, Vec<PointId>>,
    pub(super) retry: Option<(Instant, Vec<PointId>)>,
    // Points whose browse paths led nowhere, to be walked again.
    pub(super) search: Option<(Instant, Vec<PointId>)>,
    pub(super) types: BTreeMap<PointId, Holding>,
    pub(super) methods: BTreeMap<PointId, Arc<Signature>>,
    // Calls under way, with the time that each may take.
    pub(super) calling: BTreeMap<PointId, Duration>,
    // The data types of nodes, where values alone do not say enough.
    pub(super) own: BTreeMap<PointId, Option<Arc<Shape>>>,
    pub(super) waiting: VecDeque<(PointId, Arrived)>,
    pub(super) waiting_points: BTreeSet<PointId>,
    pub(super) questions: Vec<Question>,
    pub(super) asked: BTreeSet<String>,
    pub(super) learning: bool,
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
        ground: Ground<'a>,
        io: &'a mut AdapterIo,
        link: Link,
        requests: Requests,
        targets: Vec<(PointId, Target)>,
    ) -> Self {
        let Ground { plan, kept, server } = ground;
        let now = Instant::now();
        let mut running = Self {
            plan,
            kept,
            io,
            link,
            requests,
            polls: Polls::new(plan.polled(), server.read_max, now),
            server,
            targets: targets.into_iter().map(|(_, target)| target).collect(),
            jobs: FuturesUnordered::new(),
            inbox: Arc::default(),
            to_subscribe: Vec::new(),
            subscriptions: BTreeMap::new(),
            subscribed: plan.subscribed(),
            retry: None,
            search: None,
            types: BTreeMap::new(),
            methods: BTreeMap::new(),
            calling: BTreeMap::new(),
            own: BTreeMap::new(),
            waiting: VecDeque::new(),
            waiting_points: BTreeSet::new(),
            questions: Vec::new(),
            asked: BTreeSet::new(),
            learning: false,
            writing: BTreeSet::new(),
            held: None,
            heard: now,
            readings: Vec::new(),
            freshness: None,
        };
        running.report_first();
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
            gaps,
        } = std::mem::take(&mut *self.inbox.lock());
        for _ in 0..gaps.min(GAPS_COUNTED_MAX) {
            self.io.statistics().failed("notification_gap");
        }
        for (id, arrived) in values {
            self.take(id, arrived);
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
        if let Some((_, points)) = self.search.take_if(|(at, _)| *at <= now) {
            self.start_search(points);
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
        let call = self.calling.values().max().copied().unwrap_or_default();
        self.heard + connection.keep_alive + connection.request_timeout * answers + call
    }

    fn wake_at(&self) -> Instant {
        let retry = self.retry.as_ref().map(|(at, _)| *at);
        let search = self.search.as_ref().map(|(at, _)| *at);
        let freshness = self.freshness.as_ref();
        let kept_back = freshness.and_then(|freshness| freshness.due());
        [self.polls.next_due(), retry, search, kept_back]
            .into_iter()
            .flatten()
            .fold(self.silent_at(), Instant::min)
    }

    // Nodes that are not there, and what is true until something else is said.
    fn report_first(&mut self) {
        let mut lost = Vec::new();
        for (id, point) in self.plan.all() {
            if self.node(id).is_some() {
                continue;
            }
            self.readings.push(Reading::failed(id, Reason::BadAddress));
            if matches!(point.address, Address::Path(_)) {
                lost.push(id);
            }
        }
        if !lost.is_empty() {
            self.search = Some((Instant::now() + RETRY_REFUSED, lost));
        }
        for id in self.plan.waiting() {
            self.say_last(id);
        }
        self.emit();
    }

    /// The last event or answer of a point is true until the next one.
    pub(super) fn say_last(&mut self, id: PointId) {
        if self.node(id).is_some() {
            let waiting = || Reading::failed(id, Reason::Waiting);
            let last = self.kept.get(&id).cloned();
            self.readings.push(last.unwrap_or_else(waiting));
        }
    }

    pub(super) fn emit(&mut self) {
        if let Some(freshness) = &mut self.freshness {
            freshness.pass(&mut self.readings, Instant::now());
        }
        self.io.emit(&mut self.readings);
    }
}
