//! Watches the bus: a broker that is away is a problem, and its numbers become metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::{BusState, Outage};
use mainstem_model::{Clock, Timestamp};
use mainstem_telemetry::{Health, Metrics, Problem, Severity};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Broker, PART, Running};

/// The broker is away for so long before somebody is told.
const ALARM_AFTER: Duration = Duration::from_secs(3);
/// How often the numbers are told.
const METRICS_EVERY: Duration = Duration::from_secs(1);
const PROBLEM: &str = "bus.away";

/// Where it is told.
pub(super) struct Board {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
}

/// Since when the bus is as it is.
pub(super) struct Since(Mutex<Timestamp>);

impl Since {
    pub(super) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    pub(super) fn get(&self) -> Timestamp {
        *self.0.lock()
    }
}

pub(super) async fn watch(running: Running, board: Board, stop: CancellationToken) {
    let bus = running.broker.bus();
    let mut state = bus.state();
    let mut was_up = None;
    let mut alarm: Option<Instant> = None;
    let mut metrics = tokio::time::interval(METRICS_EVERY);
    loop {
        let now = state.borrow_and_update().clone();
        let is_up = now == BusState::Up;
        if was_up != Some(is_up) {
            was_up = Some(is_up);
            *running.since.0.lock() = board.clock.now();
            alarm = (!is_up).then(|| Instant::now() + ALARM_AFTER);
        }
        match now {
            BusState::Up => board.health.clear(PROBLEM),
            BusState::Down(outage) => {
                if alarm.is_some_and(|at| at <= Instant::now()) {
                    board.health.raise(away(&running.broker, &outage));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = state.changed() => if changed.is_err() { break },
            _ = metrics.tick() => tell(&running.broker, &board.metrics).await,
        }
    }
    board.health.clear(PROBLEM);
}

fn away(broker: &Broker, outage: &Outage) -> Problem {
    let which = match broker {
        Broker::Embedded(_) => "The MQTT broker of this node".to_owned(),
        Broker::External(_, address) => format!("The MQTT broker {address}"),
    };
    Problem {
        id: PROBLEM.to_owned(),
        severity: Severity::High,
        source: PART.to_owned(),
        text: format!("{which} is away: {}.", outage.cause),
        action: "See whether the broker runs and is reached, and whether it knows this node."
            .to_owned(),
    }
}

/// Numbers by their names: those that stand, and those that only grow.
pub(super) struct Numbers {
    pub(super) standing: BTreeMap<&'static str, u64>,
    pub(super) growing: BTreeMap<&'static str, u64>,
    pub(super) refused: BTreeMap<&'static str, u64>,
}

pub(super) async fn numbers(broker: &Broker) -> Numbers {
    match broker {
        Broker::Embedded(bus) => {
            let counts = bus.counts().await;
            Numbers {
                standing: BTreeMap::from([
                    ("clients", counts.clients),
                    ("sessions", counts.sessions),
                    ("filters", counts.filters),
                    ("retained", counts.retained),
                    ("retained_bytes", counts.retained_bytes),
                ]),
                growing: BTreeMap::from([
                    ("connections", counts.connections),
                    ("received", counts.received),
                    ("sent", counts.sent),
                    ("published", counts.published),
                    ("delivered", counts.delivered),
                    ("missed", counts.missed),
                ]),
                refused: counts.refused,
            }
        }
        Broker::External(bus, _) => {
            let counts = bus.counts();
            Numbers {
                standing: BTreeMap::from([
                    ("waiting", counts.waiting),
                    ("filters", counts.filters),
                ]),
                growing: BTreeMap::from([
                    ("connections", counts.connections),
                    ("published", counts.published),
                    ("acknowledged", counts.acknowledged),
                    ("unknown", counts.unknown),
                    ("arrived", counts.arrived),
                    ("missed", counts.missed),
                ]),
                refused: BTreeMap::from([("publish", counts.refused)]),
            }
        }
    }
}

async fn tell(broker: &Broker, metrics: &Metrics) {
    let numbers = numbers(broker).await;
    let standing = metrics.gauges("bus_now", "What the bus holds now", &["what"]);
    for (what, number) in &numbers.standing {
        let number = i64::try_from(*number).unwrap_or(i64::MAX);
        standing.with(&[what]).set(number);
    }
    let growing = metrics.counters("bus_events", "What happened on the bus", &["what"]);
    for (what, number) in &numbers.growing {
        let counter = growing.with(&[what]);
        counter.inc_by(number.saturating_sub(counter.get()));
    }
    let refused = metrics.counters("bus_refused", "What the bus refused", &["what"]);
    for (what, number) in &numbers.refused {
        let counter = refused.with(&[what]);
        counter.inc_by(number.saturating_sub(counter.get()));
    }
}
