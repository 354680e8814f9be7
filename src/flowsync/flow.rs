//! All server nodes that hold requests, and the tasks behind them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use mainstem_bus::{Bus, Qos, Topic, TopicError};
use mainstem_model::{Clock, GlobSet};
use mainstem_telemetry::Metrics;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::node::Seat;
use crate::numbers::Numbers;
use crate::past::Past;
use crate::shared::Shared;
use crate::table::Table;
use crate::{
    Caller, EndedView, Ending, FlowLimits, Levels, Node, NodeSpec, NodeView, OpenView, Outcome,
    Stray, Teller, Watcher, bridge, deadlines, hold,
};

/// What held requests need.
pub struct FlowSetup {
    /// Where they are told and answered.
    pub bus: Arc<dyn Bus>,
    /// The node's clocks.
    pub clock: Arc<dyn Clock>,
    /// What they can cost.
    pub limits: FlowLimits,
    /// Where they are counted.
    pub metrics: Metrics,
}

/// The held requests of a node.
pub struct FlowSync {
    shared: Arc<Shared>,
}

impl FlowSync {
    /// Starts without a server node.
    #[must_use]
    pub fn start(setup: FlowSetup) -> Self {
        let limits = &setup.limits;
        let shared = Arc::new(Shared {
            table: Mutex::new(Table::new(limits.open, limits.open_per_node)),
            past: Mutex::new(Past::new(limits.history)),
            seats: Mutex::new(BTreeMap::new()),
            numbers: Numbers::new(&setup.metrics),
            levels: OnceLock::new(),
            next: AtomicU64::new(0),
            bus: setup.bus,
            clock: setup.clock,
            sooner: Notify::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        shared.tasks.spawn(deadlines::watch(Arc::clone(&shared)));
        shared
            .tasks
            .spawn(deadlines::watch_bus(Arc::clone(&shared)));
        Self { shared }
    }

    /// From now on requests reach other nodes, and the requests of nodes below reach this one's bus
    /// as far as the patterns over their names allow it. Only the first call counts.
    pub fn join_tree(&self, levels: Arc<Levels>, from_below: GlobSet) {
        if self.shared.levels.set(Arc::clone(&levels)).is_err() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let bridge = bridge::Bridge::new(shared, levels, from_below);
        self.shared.tasks.spawn(bridge.run());
    }

    /// Holds a request for a node above, at the server node of a name; nothing if there is none.
    pub async fn hold_named(
        &self,
        name: &str,
        value: &RawValue,
        caller: Caller,
        most: Duration,
    ) -> Option<Outcome> {
        let seat = self.seat(name)?;
        Some(hold::hold(&self.shared, &seat, value, caller, most).await)
    }

    fn seat(&self, name: &str) -> Option<Arc<Seat>> {
        let seats = self.shared.seats.lock();
        let mut seats = seats.values().filter_map(Weak::upgrade);
        seats.find(|seat| seat.spec.name.as_str() == name)
    }

    /// Makes a server node. It can hold requests as soon as the broker has granted the subscription
    /// to its replies: see [`Node::ready`].
    pub fn node(&self, spec: NodeSpec) -> Result<Node, TopicError> {
        Node::make(&self.shared, spec)
    }

    /// Tells on a topic what the clients of a server node bring.
    #[must_use]
    pub fn teller(&self, topic: Topic, qos: Qos, retain: bool) -> Teller {
        Teller::new(Arc::clone(&self.shared), topic, qos, retain)
    }

    /// Keeps the last value that is told on a topic, for the clients of a server node.
    #[must_use]
    pub fn watcher(&self, topic: &Topic) -> Watcher {
        Watcher::new(&self.shared, topic)
    }

    /// The requests that are held, the nearest deadline first, at most so many.
    #[must_use]
    pub fn open(&self, most: usize) -> Vec<OpenView> {
        let now = self.shared.clock.monotonic();
        let table = self.shared.table.lock();
        let shown = table.iter().take(most).map(|open| OpenView {
            id: open.id,
            node: open.waiter.seat.spec.name.clone(),
            caller: open.waiter.caller.clone(),
            opened: open.waiter.at,
            held: now.since(open.waiter.opened),
            left: open.deadline.since(now),
        });
        shown.collect()
    }

    /// How many are held.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.shared.table.lock().len()
    }

    /// The last that have ended, the last first, at most so many.
    #[must_use]
    pub fn ended(&self, most: usize) -> Vec<EndedView> {
        let past = self.shared.past.lock();
        let shown = past.iter().take(most).map(|ended| EndedView {
            id: ended.id,
            node: ended.node.clone(),
            caller: ended.caller.clone(),
            opened: ended.opened,
            took: ended.took,
            ending: ended.ending,
            code: ended.code,
            message: ended.message.clone(),
        });
        shown.collect()
    }

    /// The server nodes, in the order of their names.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeView> {
        let seats = self.shared.seats.lock();
        let seats: Vec<Arc<Seat>> = seats.values().filter_map(Weak::upgrade).collect();
        let mut views: Vec<NodeView> = seats.iter().map(|seat| self.view(seat)).collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    fn view(&self, seat: &Seat) -> NodeView {
        let numbers = &seat.numbers;
        NodeView {
            name: seat.spec.name.clone(),
            topic: seat.spec.topic.to_string(),
            timeout: seat.spec.timeout,
            away: seat.away.borrow().clone(),
            open: self.shared.table.lock().len_of(seat.key),
            ended: Ending::ALL
                .map(|how| (how, numbers.ended(how).get()))
                .into(),
            strays: Stray::ALL.map(|why| (why, numbers.stray(why).get())).into(),
            busy: numbers.busy.get(),
            missed: numbers.missed.get(),
        }
    }

    /// Holds nothing any more, and answers everything that is held.
    pub async fn stop(&self) {
        self.shared.table.lock().close();
        self.shared.end_all(None, || Outcome::Stopping);
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for FlowSync {
    fn drop(&mut self) {
        self.shared.table.lock().close();
        self.shared.end_all(None, || Outcome::Stopping);
        self.shared.stopping.cancel();
    }
}

impl fmt::Debug for FlowSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowSync").finish_non_exhaustive()
    }
}
